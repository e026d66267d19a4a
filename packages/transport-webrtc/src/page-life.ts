/**
 * What a browser does to the page a network lives in: hides it, freezes it, takes it away.
 *
 * Invariant: a page that is taken away for good has said so on every link and to the lobby before its last
 * event handler returns; nothing comes after that. Elsewhere than in a page this does nothing.
 */
import type { Network } from '@baton/core'
import type { WebRtcTransport } from './webrtc-transport.ts'

/** What of a page is used here, so that a test can be one. */
export interface PageLike {
  readonly document: EventTarget & { readonly visibilityState: string }
  now(): number
}

/** Follows the page until the network closes. Does nothing where there is none. */
export function followPage(
  network: Network,
  transport: Pick<WebRtcTransport, 'onpagehide'>,
  page: PageLike | undefined = currentPage(),
): void {
  if (page === undefined) return
  const { document } = page
  const look = (): void => network.setHidden(document.visibilityState === 'hidden')
  const freeze = (): void => {
    network.setHidden(true)
    // The last frame for a long time: what is queued must not wait for the next one.
    network.flush(page.now())
  }
  // The host's last words, then everybody's goodbye.
  transport.onpagehide = () => network.close()
  document.addEventListener('visibilitychange', look)
  document.addEventListener('freeze', freeze)
  network.once('closed', () => {
    document.removeEventListener('visibilitychange', look)
    document.removeEventListener('freeze', freeze)
  })
  look()
}

function currentPage(): PageLike | undefined {
  const document = globalThis.document as Document | undefined
  return document && { document, now: () => performance.now() }
}
