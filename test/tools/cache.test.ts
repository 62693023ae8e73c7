import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { keep, readKept } from '../../src/tools/cache.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-cache-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const file = join(directory, 'deep', 'kept.json')
const value = { area: 13_225.5, cells: ['NAND2X1'], energy: null }

describe('what the cache keeps', () => {
  it('comes back as it was', () => {
    keep(file, value)
    expect(readKept(file)).toEqual(value)
  })

  it('needs a directory that can be written, and says which', () => {
    const taken = join(directory, 'a file')
    writeFileSync(taken, '')
    expect(failure(() => keep(join(taken, 'kept.json'), value))).toMatchObject({
      message: expect.stringContaining(`cannot write to the cache directory ${taken}`),
      hint: 'Name another with XGEN_CACHE_DIR.',
    })
  })

  it('is not there before', () => {
    expect(readKept(join(directory, 'never'))).toBeUndefined()
    expect(readKept(directory)).toBeUndefined()
  })

  it('counts as absent when one byte is another, wherever it is', () => {
    keep(file, value)
    const whole = readFileSync(file)
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1
      writeFileSync(file, damaged)
      expect(readKept(file), `byte ${at}`).toBeUndefined()
    }
  })

  it.each(['', '{}', 'null', '[]', '5', 'garbage', '{"metrics":{}}'])(
    'counts as absent when it is %j',
    (text) => {
      keep(file, value)
      writeFileSync(file, text)
      expect(readKept(file)).toBeUndefined()
    },
  )
})
