import { describe, expect, test } from 'vitest'
import { addressGroup, createOriginPolicy, isAllowedOrigin } from './origin.ts'

describe('origins', () => {
  const host = 'game.example:7777'
  const far = '203.0.113.9'

  test('LB24: without a list, pages of the same host name on any port, and what sends no Origin', () => {
    const policy = createOriginPolicy(undefined)
    for (const origin of [undefined, 'https://game.example', 'http://game.example:5173']) {
      expect(isAllowedOrigin(policy, origin, host, far)).toBe(true)
    }
    for (const origin of [
      'https://evil.example',
      'https://game.example.evil.example',
      'null',
      '',
      'not a url',
      'file://',
      'http://localhost',
    ]) {
      expect(isAllowedOrigin(policy, origin, host, far)).toBe(false)
    }
    expect(isAllowedOrigin(policy, 'http://[2001:db8::1]:5173', '[2001:db8::1]:7777', far)).toBe(true)
    expect(isAllowedOrigin(policy, 'http://game.example', undefined, far)).toBe(false)
    expect(isAllowedOrigin(policy, 'http://game.example', ':::', far)).toBe(false)
  })

  test('LB24: pages of this machine may use a lobby of this machine, by whatever name', () => {
    const policy = createOriginPolicy(undefined)
    for (const origin of [
      'http://localhost:5173',
      'http://127.0.0.1:8080',
      'http://[::1]:3000',
      'http://app.localhost',
    ]) {
      for (const here of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
        expect(isAllowedOrigin(policy, origin, host, here)).toBe(true)
      expect(isAllowedOrigin(policy, origin, host, far)).toBe(false)
    }
    expect(isAllowedOrigin(policy, 'https://evil.example', '127.0.0.1:7777', '127.0.0.1')).toBe(false)
    expect(isAllowedOrigin(policy, 'http://localhost.evil.example', '127.0.0.1:7777', '127.0.0.1')).toBe(false)
  })

  test('LB24: a list is the whole truth: exact origins, null, or * for all', () => {
    const policy = createOriginPolicy(['https://Game.example/', 'null'])
    expect(isAllowedOrigin(policy, 'https://game.example', 'other.example', far)).toBe(true)
    expect(isAllowedOrigin(policy, 'null', host, far)).toBe(true)
    expect(isAllowedOrigin(policy, 'http://game.example', host, far)).toBe(false)
    expect(isAllowedOrigin(policy, 'https://game.example:444', host, far)).toBe(false)
    expect(isAllowedOrigin(policy, 'http://localhost', 'localhost', '127.0.0.1')).toBe(false)
    expect(isAllowedOrigin(createOriginPolicy(['*']), 'https://evil.example', host, far)).toBe(true)
    expect(isAllowedOrigin(createOriginPolicy([]), 'https://game.example', host, far)).toBe(false)
    expect(() => createOriginPolicy(['game.example'])).toThrow(/is no origin/)
    expect(() => createOriginPolicy(['file:///x'])).toThrow(/is no origin/)
  })
})

describe('addresses', () => {
  test('LB18: IPv4 counts whole, also when it comes mapped; IPv6 counts by its first 64 bits, however it is written', () => {
    expect(addressGroup('203.0.113.9')).toBe('203.0.113.9')
    expect(addressGroup('::ffff:203.0.113.9')).toBe('203.0.113.9')
    expect(addressGroup('0:0:0:0:0:FFFF:203.0.113.9')).toBe('203.0.113.9')
    expect(addressGroup('::1')).toBe('0:0:0:0::/64')
    expect(addressGroup('2001:DB8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    for (const same of [
      '2001:db8:1:2::',
      '2001:0db8:0001:0002::9',
      '2001:db8:1:2:ffff:ffff:ffff:ffff',
      '2001:db8:1:2::7%eth0',
    ]) {
      expect(addressGroup(same)).toBe('2001:db8:1:2::/64')
    }
    expect(addressGroup('2001:db8::5')).toBe('2001:db8:0:0::/64')
    expect(addressGroup('fe80::1%lo')).toBe('fe80:0:0:0::/64')
    expect(addressGroup('')).toBe('')
  })
})
