/**
 * The card on top of the panel: who holds the baton, how the room is, and the button that hands it on. Also the
 * golden line that tells of a change, and the veil while too few are in reach.
 *
 * Invariant: the document is touched only where a word has changed; this is called every frame.
 */

export interface BatonReadings {
  readonly holder: string | undefined
  readonly isMine: boolean
  readonly state: string
  readonly term: number
  readonly takers: readonly { readonly id: string; readonly name: string }[]
  readonly obstacle: string | undefined
}

export interface BatonCard {
  show(readings: BatonReadings): void
  /** The baton has changed hands: for some seconds, in gold. */
  tell(text: string): void
}

/** What the state means, where it is not simply well. */
const STATES: Readonly<Record<string, string>> = {
  joining: 'entering the room',
  suspect: 'has not been heard for a while',
  electing: 'the next host is being chosen',
  frozen: 'too few players are in reach',
  closed: 'out of the room',
}

const NEWS_MS = 6_000

/** @param handOn hands it to the player of this id; returns why not, or undefined */
export function createBatonCard(handOn: (id: string) => string | undefined): BatonCard {
  const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
  const card = find('baton')
  const title = find('baton-title')
  const about = find('baton-about')
  const state = find('baton-state')
  const button = find<HTMLButtonElement>('baton-button')
  const choice = find<HTMLSelectElement>('baton-taker')
  const why = find('baton-why')
  const news = find('baton-news')
  const veil = find('veil')
  let timer: ReturnType<typeof setTimeout> | undefined
  let takerIds = ''
  let refusal: string | undefined

  button.addEventListener('click', () => {
    refusal = handOn(choice.value)
    // The space bar is for jumping again.
    button.blur()
  })
  choice.addEventListener('change', () => choice.blur())

  function offer(takers: BatonReadings['takers']): void {
    const ids = takers.map(({ id, name }) => `${id} ${name}`).join('\n')
    if (ids === takerIds) return
    takerIds = ids
    refusal = undefined
    const chosen = choice.value
    choice.replaceChildren(...takers.map(({ id, name }) => new Option(`to ${name}`, id, false, id === chosen)))
    choice.hidden = takers.length < 2
  }

  return {
    show({ holder, isMine, state: now, term, takers, obstacle }) {
      write(title, isMine ? 'You' : (holder ?? 'Nobody'))
      write(about, STATES[now] ?? `${isMine ? 'have' : 'has'} the baton · term ${term}`)
      write(state, now)
      card.classList.toggle('mine', isMine)
      if (card.dataset['state'] !== now) card.dataset['state'] = now
      offer(takers)
      const isBarred = obstacle !== undefined
      if (isBarred) refusal = undefined
      if (button.disabled !== isBarred) button.disabled = choice.disabled = isBarred
      write(why, obstacle ?? refusal ?? 'No tick is missed on the way')
      veil.classList.toggle('shown', now === 'frozen')
    },
    tell(text) {
      clearTimeout(timer)
      news.textContent = text
      news.classList.add('shown')
      timer = setTimeout(() => news.classList.remove('shown'), NEWS_MS)
    },
  }
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
