/**
 * Says in one sentence how two builds' components differ.
 *
 * Invariant: what a stranger sent is shortened and stripped of line breaks before it is shown.
 */
import type { ComponentFingerprint } from '@baton/schemas'

const MAX_SHOWN = 160

function shown(text: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}…` : clean
}

/**
 * Names the first difference between the host's and a joiner's components: one that only one side
 * has, one whose fields differ, or else their order.
 */
export function describeMismatch(
  host: readonly ComponentFingerprint[],
  joiner: readonly ComponentFingerprint[],
): string {
  const advice = 'run the same build on both sides'
  const theirs = new Map(joiner.map((component) => [component.name, component]))
  for (const component of host) {
    const other = theirs.get(component.name)
    const name = shown(component.name)
    const summary = shown(component.summary)
    if (other === undefined)
      return `protocol: component "${name}" (${summary}) is missing in the joining build; ${advice}`
    if (other.hash !== component.hash || other.summary !== component.summary) {
      return `protocol: component "${name}" differs: ${summary} at the host, ${shown(other.summary)} in the joining build; ${advice}`
    }
    theirs.delete(component.name)
  }
  const [extra] = theirs.values()
  if (extra !== undefined) {
    return `protocol: component "${shown(extra.name)}" (${shown(extra.summary)}) is missing at the host; ${advice}`
  }
  const orderOf = (components: readonly ComponentFingerprint[]): string =>
    shown(components.map((component) => component.name).join(', '))
  return `protocol: the same components, registered differently: ${orderOf(host)} at the host, ${orderOf(joiner)} in the joining build; ${advice}`
}
