import { baton } from '@baton/server/vite'
import { defineConfig } from 'vite'

// The physics engine comes as one large module.
export default defineConfig({ plugins: [baton()], build: { target: 'es2022', chunkSizeWarningLimit: 5_000 } })
