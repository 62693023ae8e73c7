import { createHash } from 'node:crypto'

/** JSON with sorted keys and no white space: the same value gives the same text. Typed arrays become arrays. */
export function canonicalJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, v: unknown) => {
      if (ArrayBuffer.isView(v) && !(v instanceof DataView))
        return Array.from(v as unknown as ArrayLike<number>)
      if (v !== null && typeof v === 'object' && !Array.isArray(v)) {
        const record = v as Record<string, unknown>
        return Object.fromEntries(
          Object.keys(record)
            .sort()
            .map((key) => [key, record[key]]),
        )
      }
      return v
    },
    indent,
  )
}

/** SHA-256 as 64 lower-case hexadecimal digits. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value))
}
