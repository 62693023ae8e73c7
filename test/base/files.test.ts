import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readInput, writeFileAtomically } from '../../src/base/files.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-files-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe('a file that is written', () => {
  test('replaces the one before, and leaves nothing beside it', () => {
    const path = join(directory, 'above', 'file')
    for (const text of ['first', 'second']) writeFileAtomically(path, text)
    expect(readFileSync(path, 'utf8')).toBe('second')
    expect(readdirSync(join(directory, 'above'))).toEqual(['file'])
  })

  test('and cannot be is told in words, also where it cannot be looked for', () => {
    const long = join(directory, 'x'.repeat(300))
    expect(failure(() => writeFileAtomically(long, ''))).toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(`cannot write ${long}: ENAMETOOLONG`),
      hint: 'Choose a place that you may write to.',
    })
    expect(failure(() => writeFileAtomically(directory, '')).message).toContain('it is a directory')
  })
})

test('a directory in place of a file that is read is told as one', () => {
  expect(failure(() => readInput(directory, 'model file')).message).toBe(
    `model file ${directory} is a directory: name a file`,
  )
})
