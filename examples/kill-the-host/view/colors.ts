/** A color for each player: its puck, the balls it simulates, its snapshots on the timeline. */
const COLORS = ['#5aa9ff', '#ff7eb0', '#59d48f', '#c79bff', '#ff9f5a', '#4fd6d6']

export function colorOf(index: number): string {
  return COLORS[index % COLORS.length]!
}
