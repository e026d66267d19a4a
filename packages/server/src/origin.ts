/**
 * Which web pages may open a socket, and from which address it came.
 *
 * Place in the house: pure, beside the WebSocket door.
 * Invariant: a browser cannot lie about `Origin`, so a page that is not allowed never gets a socket;
 * what is no browser sends none and is let in, since it could send any.
 */
import { invariant } from '@baton/core'

export interface OriginPolicy {
  /** Exact origins (`https://game.example`), `null` for files and sandboxes, `*` for every page. */
  readonly allowed: ReadonlySet<string> | undefined
}

/** @throws InvariantError when an entry is no origin */
export function createOriginPolicy(allowedOrigins: readonly string[] | undefined): OriginPolicy {
  return { allowed: allowedOrigins && new Set(allowedOrigins.map(normalizeOrigin)) }
}

/**
 * Without a list: pages of the host name the lobby was reached by, and pages of this very machine
 * when the request came from it.
 * @param host the request's Host header
 * @param remoteAddress as the socket has it
 */
export function isAllowedOrigin(
  policy: OriginPolicy,
  origin: string | undefined,
  host: string | undefined,
  remoteAddress: string,
): boolean {
  if (origin === undefined) return true
  if (policy.allowed) return policy.allowed.has('*') || policy.allowed.has(origin.toLowerCase())
  const page = hostnameOf(origin)
  if (page === undefined) return false
  if (host !== undefined && page === hostnameOf(`http://${host}`)) return true
  return isLoopbackName(page) && isLoopbackAddress(remoteAddress)
}

/**
 * The part of an address that one subscriber holds: IPv4 whole, IPv6 its first 64 bits, since one
 * line gets at least a /64 and can use any address of it.
 */
export function addressGroup(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase()
  const mapped = /^(?:0*:)*:?(?:0*:)*ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length)
  const groups = [...first, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}

function normalizeOrigin(entry: string): string {
  if (entry === '*' || entry === 'null') return entry
  const origin = URL.canParse(entry) ? new URL(entry).origin : 'null'
  invariant(
    origin !== 'null',
    `allowedOrigins: ${JSON.stringify(entry)} is no origin; write it like https://game.example, or * for any page`,
  )
  return origin
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

function isLoopbackName(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || hostname.startsWith('127.')
  )
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || addressGroup(address).startsWith('127.')
}
