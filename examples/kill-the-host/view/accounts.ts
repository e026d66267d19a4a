/** The table below the timeline: the same moments as figures, a row per player. Rows are there from the start. */
import type { Account } from '../net/episode.ts'

export interface Row extends Account {
  readonly kept: number
  readonly extra: number
}

export interface Accounts {
  show(rows: readonly Row[], ballCount: number): void
  clear(): void
}

const COLUMNS = 7

export function createAccounts(body: HTMLElement, rowCount: number): Accounts {
  const cells = Array.from({ length: rowCount }, () => {
    const row = document.createElement('tr')
    body.append(row)
    return Array.from({ length: COLUMNS }, (_, i) => {
      const cell = document.createElement(i === 0 ? 'th' : 'td')
      if (i === 0) cell.setAttribute('scope', 'row')
      cell.textContent = '–'
      row.append(cell)
      return cell
    })
  })
  const write = (rowIndex: number, texts: readonly string[]): void => {
    cells[rowIndex]!.forEach((cell, i) => {
      if (cell.textContent !== texts[i]) cell.textContent = texts[i] ?? '–'
    })
  }
  return {
    show(rows, ballCount) {
      rows.slice(0, rowCount).forEach((row, i) => {
        const { name, lastHeardMs, suspectMs, voteMs, firstHeardMs, gapMs, kept, extra } = row
        const times = [lastHeardMs, suspectMs, voteMs, firstHeardMs].map((ms) =>
          ms === undefined ? '–' : ms.toFixed(0),
        )
        const gap = gapMs === undefined ? '–' : `${gapMs.toFixed(0)} ms`
        const balls = `${kept} of ${ballCount}${extra > 0 ? `, ${extra} too many` : ''}`
        write(i, [name, ...times, gap, balls])
      })
    },
    clear() {
      for (let i = 0; i < rowCount; i += 1) write(i, [])
    },
  }
}
