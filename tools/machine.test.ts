import { describe, expect, it } from 'vitest'
import type { System } from './machine.ts'
import { installMissing, realSystem } from './machine.ts'

const NEEDS = [{ program: 'flatc', debian: 'flatbuffers-compiler', why: 'reads bytes' }]

function system(changes: Partial<System> & { readonly installs?: boolean }) {
  const ran: string[] = []
  const present = new Set<string>()
  const answer: System = {
    has: (program) => present.has(program),
    isDebian: true,
    isRoot: true,
    run: (file, args) => {
      ran.push([file, ...args].join(' '))
      if (changes.installs === true && args[0] === 'install') present.add('flatc')
      return Promise.resolve({ code: 0, output: 'apt says no\n' })
    },
    ...changes,
  }
  return { answer, ran }
}

describe('the machine', () => {
  it('is left alone when it has everything', async () => {
    const { answer, ran } = system({ has: () => true })
    expect(await installMissing(answer, NEEDS)).toBeUndefined()
    expect(ran).toEqual([])
  })

  it('gets Debian packages when the tests run as root on Debian', async () => {
    const { answer, ran } = system({ installs: true })
    expect(await installMissing(answer, NEEDS)).toBeUndefined()
    expect(ran).toEqual(['apt-get update -qq', 'apt-get install -y -qq --no-install-recommends flatbuffers-compiler'])
  })

  it('is said to lack something, with the line that installs it, when it cannot be helped', async () => {
    for (const cannot of [{ isRoot: false }, { isDebian: false }]) {
      const { answer, ran } = system(cannot)
      expect((await installMissing(answer, NEEDS))?.line).toContain('sudo apt-get install -y flatbuffers-compiler')
      expect(ran).toEqual([])
    }
    const failing = await installMissing(system({}).answer, NEEDS)
    expect(failing?.line).toContain('flatc (reads bytes)')
    expect(failing?.output).toContain('apt says no')
  })

  it('finds programs in PATH', () => {
    expect(realSystem().has('node')).toBe(true)
    expect(realSystem().has('no-such-program-here')).toBe(false)
  })
})
