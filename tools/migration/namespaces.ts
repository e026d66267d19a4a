/**
 * A network of one's own on this machine: each player and the lobby in a network namespace, joined by a bridge. Who may
 * not reach whom is said by routes, so that the system itself drops the packets.
 *
 * Invariant: all of it is below names of this process, and goes with `end`.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PREFIX = '10.213.77'

export interface Namespace {
  readonly address: string
  /** The words before a command that is to run inside. */
  readonly prefix: readonly string[]
}

export interface Namespaces {
  /** Where the bridge is, for the lobby. */
  readonly hub: Namespace
  readonly players: readonly Namespace[]
  /** Two namespaces, each way, from now on. */
  cut(a: Namespace, b: Namespace): Promise<void>
  heal(a: Namespace, b: Namespace): Promise<void>
  /** Latency on every player's line, each way; needs the qdisc netem, which not every kernel has. */
  readonly delayed: boolean
  end(): Promise<void>
}

/** What is missing to have namespaces here, in one line; undefined when all is there. */
export async function namespacesLack(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `network namespaces need Linux, this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const name = `baton-${process.pid}-try`
  try {
    await ip('netns', 'add', name)
    await ip('-n', name, 'link', 'add', 'hub', 'type', 'bridge')
    await ip('-n', name, 'link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there')
    return undefined
  } catch (error) {
    return `network namespaces cannot be made (Debian: apt-get install iproute2): ${String(error).split('\n')[0]}`
  } finally {
    await ip('netns', 'del', name).catch(() => {})
  }
}

/** @param delayMs of each player's line, where the kernel can */
export async function createNamespaces(count: number, delayMs: number): Promise<Namespaces> {
  const names = ['hub', ...Array.from({ length: count }, (_, n) => `p${n + 1}`)].map(
    (one) => `baton-${process.pid}-${one}`,
  )
  const all = names.map((name, n) => ({
    name,
    address: `${PREFIX}.${n + 1}`,
    prefix: ['ip', 'netns', 'exec', name],
  }))
  const [hub, ...players] = all as [(typeof all)[number], ...(typeof all)[number][]]
  const end = async (): Promise<void> => {
    for (const { name } of all) await ip('netns', 'del', name).catch(() => {})
  }
  let delayed = true
  try {
    for (const { name } of all) {
      await ip('netns', 'add', name)
      await ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    await ip('-n', hub.name, 'link', 'add', 'hub', 'type', 'bridge')
    await ip('-n', hub.name, 'addr', 'add', `${hub.address}/24`, 'dev', 'hub')
    await ip('-n', hub.name, 'link', 'set', 'hub', 'up')
    for (const [n, { name, address }] of players.entries()) {
      await ip('-n', hub.name, 'link', 'add', `to${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      await ip('-n', hub.name, 'link', 'set', `to${n}`, 'master', 'hub', 'up')
      await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      await ip('-n', name, 'link', 'set', 'eth0', 'up')
      const netem = ['netem', 'delay', `${delayMs}ms`]
      if (delayed)
        delayed = await ip('netns', 'exec', name, 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', ...netem).then(
          () => true,
          () => false,
        )
    }
  } catch (error) {
    await end()
    throw error
  }

  const between = async (what: 'add' | 'del', a: Namespace, b: Namespace): Promise<void> => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await run('ip', ['netns', 'exec', from.prefix[3]!, 'ip', 'route', what, 'blackhole', `${to.address}/32`])
    }
  }
  return {
    hub,
    players,
    delayed,
    cut: (a, b) => between('add', a, b),
    heal: (a, b) => between('del', a, b),
    end,
  }
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args)
}
