/**
 * Reads flatc's binary reflection (.bfbs) as far as the code generator needs it.
 *
 * Invariant: slot numbers are those of FlatBuffers' own reflection.fbs. The input comes from the compiler
 * we pin, so nothing is verified here.
 */

export interface SchemaType {
  base: string
  element: string
  index: number
}

export interface SchemaField {
  name: string
  id: number
  type: SchemaType
  defaultInteger: number
  defaultReal: number
  deprecated: boolean
  required: boolean
  optional: boolean
  documentation: string[]
}

export interface SchemaTable {
  name: string
  isStruct: boolean
  fields: SchemaField[]
  documentation: string[]
}

export interface SchemaEnum {
  name: string
  isUnion: boolean
  values: { name: string; value: number }[]
  documentation: string[]
}

export interface Schema {
  identifier: string
  root: string
  tables: SchemaTable[]
  enums: SchemaEnum[]
}

const BASE_TYPES =
  'none utype bool byte ubyte short ushort int uint long ulong float double string vector table union array vector64'.split(
    ' ',
  )

/** One table of the file; each getter takes the field's slot. */
class Node {
  readonly #view: DataView
  readonly #at: number

  constructor(view: DataView, at: number) {
    this.#view = view
    this.#at = at
  }

  #position(slot: number): number {
    const vtable = this.#at - this.#view.getInt32(this.#at, true)
    const entry = 4 + 2 * slot
    const offset = entry < this.#view.getUint16(vtable, true) ? this.#view.getUint16(vtable + entry, true) : 0
    return offset === 0 ? 0 : this.#at + offset
  }

  #target(position: number): number {
    return position + this.#view.getUint32(position, true)
  }

  byte(slot: number): number {
    const at = this.#position(slot)
    return at === 0 ? 0 : this.#view.getUint8(at)
  }

  ushort(slot: number): number {
    const at = this.#position(slot)
    return at === 0 ? 0 : this.#view.getUint16(at, true)
  }

  int(slot: number, absent: number): number {
    const at = this.#position(slot)
    return at === 0 ? absent : this.#view.getInt32(at, true)
  }

  long(slot: number): number {
    const at = this.#position(slot)
    return at === 0 ? 0 : Number(this.#view.getBigInt64(at, true))
  }

  double(slot: number): number {
    const at = this.#position(slot)
    return at === 0 ? 0 : this.#view.getFloat64(at, true)
  }

  node(slot: number): Node {
    return new Node(this.#view, this.#target(this.#position(slot)))
  }

  text(slot: number): string {
    const at = this.#position(slot)
    return at === 0 ? '' : this.#textAt(this.#target(at))
  }

  #textAt(at: number): string {
    const { buffer, byteOffset } = this.#view
    return new TextDecoder().decode(new Uint8Array(buffer, byteOffset + at + 4, this.#view.getUint32(at, true)))
  }

  #elements(slot: number): number[] {
    const position = this.#position(slot)
    if (position === 0) return []
    const at = this.#target(position)
    return Array.from({ length: this.#view.getUint32(at, true) }, (_, i) => this.#target(at + 4 + 4 * i))
  }

  nodes(slot: number): Node[] {
    return this.#elements(slot).map((at) => new Node(this.#view, at))
  }

  texts(slot: number): string[] {
    return this.#elements(slot).map((at) => this.#textAt(at).trim())
  }
}

const localName = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

function readField(node: Node): SchemaField {
  const type = node.node(1)
  return {
    name: node.text(0),
    type: { base: BASE_TYPES[type.byte(0)]!, element: BASE_TYPES[type.byte(1)]!, index: type.int(2, -1) },
    id: node.ushort(2),
    defaultInteger: node.long(4),
    defaultReal: node.double(5),
    deprecated: node.byte(6) === 1,
    required: node.byte(7) === 1,
    documentation: node.texts(10),
    optional: node.byte(11) === 1,
  }
}

/** Namespaces are dropped from the names; fields come in the order of their ids. */
export function readReflection(bytes: Uint8Array): Schema {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const schema = new Node(view, view.getUint32(0, true))
  return {
    tables: schema.nodes(0).map((node) => ({
      name: localName(node.text(0)),
      fields: node
        .nodes(1)
        .map(readField)
        .sort((a, b) => a.id - b.id),
      isStruct: node.byte(2) === 1,
      documentation: node.texts(6),
    })),
    enums: schema.nodes(1).map((node) => ({
      name: localName(node.text(0)),
      values: node.nodes(1).map((value) => ({ name: value.text(0), value: value.long(1) })),
      isUnion: node.byte(2) === 1,
      documentation: node.texts(5),
    })),
    identifier: schema.text(2),
    root: localName(schema.node(4).text(0)),
  }
}
