import { dataError, type XgenError } from '../../base/errors.ts'

/** How a field is encoded: varint, 8 bytes, bytes with their length, 4 bytes. Groups are long gone from ONNX. */
const wire = { varint: 0, eight: 1, bytes: 2, four: 5 } as const

/**
 * Reads one protobuf message (encoding of proto2 and proto3) from bytes that may be anything: nothing is read outside of them, and
 * nothing is allocated but views. What does not fit the encoding is an error that says where.
 */
export class MessageReader {
  readonly bytes: Uint8Array
  readonly file: string
  /** The number of the field that was met last. */
  field = 0
  private type = 0
  private at = 0
  private readonly view: DataView
  /** Where the message begins in the file. */
  private readonly origin: number

  constructor(bytes: Uint8Array, file: string, origin = 0) {
    this.bytes = bytes
    this.file = file
    this.origin = origin
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** A reader at the beginning of the same message. */
  again(): MessageReader {
    return new MessageReader(this.bytes, this.file, this.origin)
  }

  /** Goes to the next field; false at the end of the message. A field that is met must be read or skipped. */
  next(): boolean {
    if (this.at === this.bytes.length) return false
    const tag = this.varint()
    this.field = Math.floor(tag / 8)
    this.type = tag % 8
    if (this.field < 1 || this.field > 2 ** 29 - 1) throw this.broken(`has a field of number ${this.field}`)
    return true
  }

  skip(): void {
    if (this.type === wire.varint) this.varint()
    else if (this.type === wire.eight) this.take(8)
    else if (this.type === wire.four) this.take(4)
    else this.slice()
  }

  /** A signed 64-bit integer, as near as a number comes to it. */
  integer(): number {
    this.expect(wire.varint)
    return this.varint()
  }

  /** The same, exactly. */
  bigInteger(): bigint {
    this.expect(wire.varint)
    return this.bigVarint()
  }

  float(): number {
    this.expect(wire.four)
    return this.view.getFloat32(this.take(4), true)
  }

  text(): string {
    return new TextDecoder().decode(this.slice())
  }

  /** The bytes of a field: a view, not a copy. */
  slice(): Uint8Array {
    this.expect(wire.bytes)
    const length = this.varint()
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  message(): MessageReader {
    const bytes = this.slice()
    return new MessageReader(bytes, this.file, this.origin + this.at - bytes.length)
  }

  /** Gives each integer of a repeated field, packed or not, to `visit`. */
  integers(visit: (value: number) => void): void {
    this.repeated(wire.varint, (reader) => reader.varint(), visit)
  }

  /** The same, exactly. */
  bigIntegers(visit: (value: bigint) => void): void {
    this.repeated(wire.varint, (reader) => reader.bigVarint(), visit)
  }

  floats(visit: (value: number) => void): void {
    this.repeated(wire.four, (reader) => reader.view.getFloat32(reader.take(4), true), visit)
  }

  doubles(visit: (value: number) => void): void {
    this.repeated(wire.eight, (reader) => reader.view.getFloat64(reader.take(8), true), visit)
  }

  private repeated<T>(one: number, read: (reader: MessageReader) => T, visit: (value: T) => void): void {
    if (this.type !== wire.bytes) {
      this.expect(one)
      visit(read(this))
      return
    }
    const packed = this.message()
    while (packed.at < packed.bytes.length) visit(read(packed))
  }

  /** An error about this message. */
  broken(what: string): XgenError {
    return dataError(`is no valid ONNX file: byte ${this.origin + this.at} ${what}`, {
      where: this.file,
      hint: 'Is it truncated? Export it again.',
    })
  }

  private expect(type: number): void {
    if (this.type !== type)
      throw this.broken(`has field ${this.field} in encoding ${this.type}, where ${type} stands in ONNX`)
  }

  /** Where the next `count` bytes begin, which are passed over. */
  private take(count: number): number {
    const start = this.at
    if (count < 0 || count > this.bytes.length - start)
      throw this.broken(`needs ${count} more bytes; ${this.bytes.length - start} are left`)
    this.at = start + count
    return start
  }

  private varint(): number {
    const first = this.bytes[this.at]
    if (first !== undefined && first < 128) {
      this.at++
      return first
    }
    return Number(this.bigVarint())
  }

  private bigVarint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.take(1)]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, value)
    }
    throw this.broken('is a number of more than ten bytes')
  }
}
