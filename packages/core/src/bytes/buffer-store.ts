/**
 * Where typed buffers are saved: the seam for files, IndexedDB or anything else with names.
 *
 * Invariant: a store copies, so neither side sees later changes of the other.
 */

/** Named bytes that outlive a buffer. A rejection is the store's own failure (disk full, no permission). */
export interface BufferStore {
  /** The bytes under this name, or undefined when there are none. The caller owns them. */
  read(name: string): Promise<Uint8Array | undefined>
  /** Puts `bytes` under this name, over what was there. Does not keep the array. */
  write(name: string, bytes: Uint8Array): Promise<void>
}

/** A store that lasts as long as it is referenced; for tests and for games without persistence. */
export function memoryStore(): BufferStore {
  const entries = new Map<string, Uint8Array>()
  return {
    read: (name) => Promise.resolve(entries.get(name)?.slice()),
    write: (name, bytes) => {
      // Not `slice`: of a Node Buffer that is a view.
      entries.set(name, new Uint8Array(bytes))
      return Promise.resolve()
    },
  }
}
