import { baton } from '@baton/server/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [baton()], build: { target: 'es2022' } })
