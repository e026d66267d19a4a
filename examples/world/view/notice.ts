/** One line at the top of the page: what happens in the room, and why there is no game. */

export type NoticeKind = 'passing' | 'standing' | 'fatal'

const PASSING_MS = 4_000

/** @returns shows a text; `passing` goes by itself, `standing` stays until the next, `fatal` for good */
export function createNotice(line: HTMLElement): (text: string, kind: NoticeKind) => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isFatal = false
  return (text, kind) => {
    if (isFatal) return
    isFatal = kind === 'fatal'
    clearTimeout(timer)
    line.textContent = text
    line.classList.toggle('shown', text !== '')
    line.classList.toggle('fatal', isFatal)
    if (kind === 'passing') timer = setTimeout(() => line.classList.remove('shown'), PASSING_MS)
    if (isFatal) line.append(createRetry())
  }
}

function createRetry(): HTMLElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Try again'
  button.addEventListener('click', () => location.reload())
  return button
}
