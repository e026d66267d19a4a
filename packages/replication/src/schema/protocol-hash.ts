/**
 * Says a component in words and in 32 bits (PH rules), so that two builds that would read one
 * another's rows wrongly refuse each other with a sentence instead.
 *
 * Invariant: everything that changes a bit on the wire is in the summary; what only changes how a peer
 * shows or schedules a value (interpolation, teleport distance, rate, capacity) is not.
 */

import crc32 from 'crc-32'
import type { ComponentDefinition, FieldSchema } from './component-schema.ts'

type Described = Pick<ComponentDefinition, 'delivery' | 'fields'>

/** `translation: position(range 512 m, step 0.001953125 m); rotation: rotation(10 bits)`. */
export function summarize({ delivery, fields }: Described): string {
  if (fields.length === 0) return 'tag'
  const parts = fields.map((field) => `${field.name}: ${summarizeField(field)}`)
  // Snapshot is what a reader expects when nothing is said.
  if (delivery !== 'snapshot') parts.push(`delivery: ${delivery}`)
  return parts.join('; ')
}

function summarizeField(field: FieldSchema): string {
  switch (field.kind) {
    case 'position':
      return `position(range ${field.range} m, step ${field.step} m)`
    case 'rotation':
      return `rotation(${field.bits} bits)`
    case 'quantized':
      return `quantized(${field.min} to ${field.max}, step ${field.step})`
    case 'uint':
    case 'int':
      return `${field.kind}(${field.bits} bits)`
    case 'enum':
      // Quoted: a value may hold any character, also the ones that separate fields.
      return `enum(${field.values.map((value) => JSON.stringify(value)).join(', ')})`
    case 'string':
    case 'bytes':
      return `${field.kind}(at most ${field.maxBytes} bytes)`
    case 'f32':
    case 'bool':
    case 'entity':
      return field.kind
  }
}

export function hashComponent(name: string, summary: string): number {
  return hash32(`${name} { ${summary} }`)
}

/**
 * Over all components of a registry, in its order. Never 0, which on the wire says that no
 * replication is attached.
 */
export function hashProtocol(components: readonly { readonly name: string; readonly summary: string }[]): number {
  return hash32(components.map(({ name, summary }) => `${name} { ${summary} }\n`).join('')) || 1
}

/** CRC-32 (IEEE 802.3) of the text's UTF-8, unsigned. */
export function hash32(text: string): number {
  return crc32.str(text) >>> 0
}
