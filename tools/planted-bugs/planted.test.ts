import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { bugOf, filesOf, plantedText } from './mutate.ts'
import { PLANTED_BUGS } from './planted.ts'

describe('planted bugs', () => {
  it('fit the source, each by texts that are there once', () => {
    for (const bug of PLANTED_BUGS) {
      for (const file of filesOf(bug)) expect(plantedText(bug, file), bug.name).not.toBe(readFileSync(file, 'utf8'))
    }
  })

  it('have names of their own, and one that is none is refused', () => {
    expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length)
    expect(() => bugOf('none')).toThrow('no bug is called none')
  })

  it('that fit no more say so', () => {
    const bug = { name: 'x', rule: 'HM2', edits: [{ file: 'package.json', find: 'not there', put: '' }] }
    expect(() => plantedText(bug, filesOf(bug)[0]!)).toThrow('found 0 times in package.json')
  })
})
