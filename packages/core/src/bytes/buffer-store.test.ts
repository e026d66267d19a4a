import { expect, test } from 'vitest'
import { memoryStore } from './buffer-store.ts'

test('TB16: a memory store copies what it is given and what it gives', async () => {
  const store = memoryStore()
  const bytes = Uint8Array.of(1, 2, 3)
  await store.write('a', bytes)
  bytes[0] = 9
  const first = await store.read('a')
  expect(first).toEqual(Uint8Array.of(1, 2, 3))
  first![1] = 9
  expect(await store.read('a')).toEqual(Uint8Array.of(1, 2, 3))
  await store.write('a', new Uint8Array(0))
  expect(await store.read('a')).toEqual(new Uint8Array(0))
  expect(await store.read('b')).toBeUndefined()
})
