import type { Verdict } from './verdict.ts'

/** One check of a run, as CI systems show it. */
export interface TestCase {
  readonly name: string
  readonly seconds: number
  /** What was compared. */
  readonly detail: string
  readonly verdict: Verdict
}

/** results.xml: one JUnit test suite. */
export function junitXml(suite: string, cases: readonly TestCase[]): string {
  const count = (kind: Verdict['kind']) => cases.filter(({ verdict }) => verdict.kind === kind).length
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0)
  const totals = `tests="${cases.length}" failures="${count('failed')}" errors="0" skipped="${count('not run')}" time="${seconds.toFixed(3)}"`
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="${escaped(suite)}" ${totals}>`,
    ...cases.flatMap((one) => testCase(suite, one)),
    '  </testsuite>',
    '</testsuites>',
  ]
  return `${lines.join('\n')}\n`
}

function testCase(suite: string, { name, seconds, detail, verdict }: TestCase): string[] {
  const body = () => {
    switch (verdict.kind) {
      case 'passed':
        return []
      case 'failed':
        return [`      <failure message="${escaped(verdict.summary)}">${escaped(verdict.text)}</failure>`]
      case 'not run':
        return [`      <skipped message="${escaped(`not run, because ${verdict.because}`)}"/>`]
    }
  }
  return [
    `    <testcase classname="${escaped(suite)}" name="${escaped(name)}" time="${seconds.toFixed(3)}">`,
    ...body(),
    `      <system-out>${escaped(detail)}</system-out>`,
    '    </testcase>',
  ]
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text for XML 1.0: control characters that it forbids are replaced. */
function escaped(text: string): string {
  const legal = Array.from(text, (character) =>
    character < ' ' && !'\t\n\r'.includes(character) ? '?' : character,
  )
  return legal.join('').replace(/[&<>"'\ufffe\uffff]/g, (character) => entities[character] ?? '?')
}
