/**
 * What a browser does to the page a network lives in: hides it, freezes it, takes it away.
 *
 * Invariant: a page that is taken away for good has said so on every link and to the lobby before its last
 * event handler returns; nothing comes after that. Elsewhere than in a page this does nothing.
 */
import type { Network } from '@baton/core'

/** What of a page is used here, so that a test can be one. */
export interface PageLike {
  readonly document: EventTarget & { readonly visibilityState: string }
  readonly window: EventTarget
  now(): number
}

/** Follows the page until the network closes. Does nothing where there is none. */
export function followPage(network: Network, page: PageLike | undefined = currentPage()): void {
  if (page === undefined) return
  const { document, window } = page
  const look = (): void => network.setHidden(document.visibilityState === 'hidden')
  const freeze = (): void => {
    network.setHidden(true)
    // The last frame for a long time: what is queued must not wait for the next one.
    network.flush(page.now())
  }
  const leave = (event: Event): void => {
    // A page that is kept may be shown again, and is to find out what has become of it: the transport sees to that.
    if (!(event as PageTransitionEvent).persisted) network.close()
  }
  // Before the transport's own listener, which ends the links: the host's last words go over them.
  const first = { capture: true }
  document.addEventListener('visibilitychange', look)
  document.addEventListener('freeze', freeze)
  window.addEventListener('pagehide', leave, first)
  network.once('closed', () => {
    document.removeEventListener('visibilitychange', look)
    document.removeEventListener('freeze', freeze)
    window.removeEventListener('pagehide', leave, first)
  })
  look()
}

function currentPage(): PageLike | undefined {
  const document = globalThis.document as Document | undefined
  return document && { document, window: globalThis, now: () => performance.now() }
}
