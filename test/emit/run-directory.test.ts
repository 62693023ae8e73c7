import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryName } from '../../src/base/files.ts'
import { checkRunDirectory, type RunRecord, writeRunDirectory } from '../../src/emit/run-directory.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'xgen-run-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const record = (configuration: unknown): RunRecord => ({
  xgen: '0',
  command: 'rtl',
  configuration,
  inputs: {},
  plan: 'p',
})
const files = (entries: Record<string, string>) => new Map(Object.entries(entries))

describe('a run directory', () => {
  it('appears whole and says what made it', () => {
    const out = join(base, 'deep', 'run')
    writeRunDirectory(out, files({ 'rtl/a.v': 'module a;' }), record({ net: 'x' }), false)
    expect(readFileSync(join(out, 'rtl/a.v'), 'utf8')).toBe('module a;')
    expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({
      configuration: { net: 'x' },
      files: ['rtl/a.v'],
    })
  })

  it('of the same configuration is written again: stale files go, foreign files stay', () => {
    const out = join(base, 'run')
    writeRunDirectory(out, files({ 'rtl/a.v': '1', 'rtl/old.v': '1' }), record(1), false)
    writeFileSync(join(out, 'notes.txt'), 'mine')
    writeRunDirectory(out, files({ 'rtl/a.v': '2' }), record(1), false)
    expect(readFileSync(join(out, 'rtl/a.v'), 'utf8')).toBe('2')
    expect(existsSync(join(out, 'rtl/old.v'))).toBe(false)
    expect(readFileSync(join(out, 'notes.txt'), 'utf8')).toBe('mine')
  })

  it('of another configuration is refused without force', () => {
    const out = join(base, 'run')
    writeRunDirectory(out, files({ a: '1' }), record(1), false)
    expect(() => writeRunDirectory(out, files({ a: '2' }), record(2), false)).toThrow(/another configuration/)
    expect(readFileSync(join(out, 'a'), 'utf8')).toBe('1')
    writeRunDirectory(out, files({ a: '2' }), record(2), true)
    expect(readFileSync(join(out, 'a'), 'utf8')).toBe('2')
  })

  it('is written beside itself under a name that nobody else has, and leaves what others are writing', () => {
    const out = join(base, 'run')
    const others = `${out}.${process.pid}.part`
    mkdirSync(others)
    writeFileSync(join(others, 'a'), 'half of it')
    writeRunDirectory(out, files({ a: '1' }), record(1), false)
    expect(readFileSync(join(others, 'a'), 'utf8')).toBe('half of it')
    expect(readFileSync(join(out, 'a'), 'utf8')).toBe('1')
    expect(readdirSync(base).sort()).toEqual(['run', `run.${process.pid}.part`])
    expect(temporaryName(out)).toMatch(/^.*run\.[0-9a-f]{18}\.part$/)
    expect(temporaryName(out)).not.toBe(temporaryName(out))
  })

  it('is refused before anything is made, where a command asks first', () => {
    const out = join(base, 'run')
    checkRunDirectory(out, 1, false)
    expect(existsSync(out)).toBe(false)
    writeRunDirectory(out, files({ a: '1' }), record(1), false)
    checkRunDirectory(out, 1, false)
    checkRunDirectory(out, 2, true)
    expect(() => checkRunDirectory(out, 2, false)).toThrow(/belongs to another configuration/)
    expect(() => checkRunDirectory('', 1, true)).toThrow(/no name/)
  })

  it('that is a file, or holds something else, is refused', () => {
    const path = join(base, 'file')
    writeFileSync(path, '')
    expect(() => writeRunDirectory(path, files({ a: '1' }), record(1), true)).toThrow(/is a file/)
    expect(() => writeRunDirectory(base, files({ a: '1' }), record(1), false)).toThrow(
      /holds no complete xgen run/,
    )
  })

  it('may be named with a slash, and is written into where it is there and empty, also behind a link', () => {
    writeRunDirectory(`${join(base, 'slash')}/`, files({ a: '1' }), record(1), false)
    expect(readFileSync(join(base, 'slash', 'a'), 'utf8')).toBe('1')
    mkdirSync(join(base, 'real'))
    const { ino } = statSync(join(base, 'real'))
    symlinkSync(join(base, 'real'), join(base, 'link'))
    writeRunDirectory(join(base, 'link'), files({ a: '2' }), record(1), false)
    expect(lstatSync(join(base, 'link')).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(base, 'real', 'a'), 'utf8')).toBe('2')
    expect(statSync(join(base, 'real')).ino).toBe(ino)
  })

  it('removes what killed runs of its own name left beside it a day ago, and nothing else', () => {
    const out = join(base, 'run')
    const old = new Date(Date.now() - 25 * 60 * 60 * 1000)
    const left = (name: string, date?: Date) => {
      mkdirSync(join(base, name))
      writeFileSync(join(base, name, 'a'), 'half of it')
      if (date !== undefined) utimesSync(join(base, name), date, date)
      return name
    }
    const random = '0123456789abcdef01'
    const stay = [
      left(`run.${random.replace('01', '02')}.part`),
      left(`other.${random}.part`, old),
      left(`run.${random}.parts`, old),
      left(`run.mine.${random}.part`, old),
    ]
    for (const again of ['absent', 'present']) {
      left(`run.${random}.part`, old)
      writeRunDirectory(out, files({ a: again }), record(1), false)
      expect(readdirSync(base).sort()).toEqual(['run', ...stay].sort())
    }
  })

  it('that cannot be is refused as wrong usage', () => {
    writeFileSync(join(base, 'file'), '')
    symlinkSync(join(base, 'nowhere'), join(base, 'dead'))
    symlinkSync(join(base, 'circle'), join(base, 'circle'))
    const above = [join(base, 'dead', 'sub'), join(base, 'circle', 'sub'), '/proc/xgen-cannot/sub']
    for (const out of [
      '',
      join(base, 'file', 'sub'),
      join(base, 'dead'),
      join(base, 'circle'),
      '/proc/xgen-cannot',
      ...above,
    ]) {
      expect(() => writeRunDirectory(out, files({ a: '1' }), record(1), false), out).toThrow(
        expect.objectContaining({ kind: 'usage' }),
      )
    }
  })

  it('never writes outside itself', () => {
    expect(() => writeRunDirectory(join(base, 'run'), files({ '../a': '1' }), record(1), false)).toThrow(
      /leaves its directory/,
    )
    expect(existsSync(join(base, 'run'))).toBe(false)
  })
})
