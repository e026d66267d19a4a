/**
 * Medians, ratios and how numbers are printed.
 *
 * Invariant: nothing here changes its arguments.
 */

/** The middle value; of an even number of values the upper of the two. NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which a share of all values lies. NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

export function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length
}

/**
 * The power with which cost grows: the slope of log cost over log size, by least squares. 1 is linear.
 * NaN for fewer than two points.
 */
export function growth(points: readonly (readonly [size: number, cost: number])[]): number {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const)
  const meanX = mean(logs.map(([x]) => x))
  const meanY = mean(logs.map(([, y]) => y))
  let [top, bottom] = [0, 0]
  for (const [x, y] of logs) {
    top += (x - meanX) * (y - meanY)
    bottom += (x - meanX) ** 2
  }
  return bottom === 0 ? Number.NaN : top / bottom
}

/** Three figures at most where there are decimals, thousands with commas, and a dash for what was not measured. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const magnitude = Math.abs(value)
  if (magnitude >= 100) return Math.round(value).toLocaleString('en-US')
  if (Number.isInteger(value)) return String(value)
  if (magnitude >= 10) return value.toFixed(1)
  return value.toFixed(magnitude >= 0.01 ? 2 : 4)
}

/** How many times `base`: `×3.2`. */
export function formatRatio(value: number | undefined, base: number | undefined): string {
  if (value === undefined || base === undefined || !Number.isFinite(value / base)) return '–'
  return `×${formatNumber(value / base)}`
}

/** A markdown table; the first columns are text, the others are numbers. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], textColumns = 1): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at < textColumns ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
