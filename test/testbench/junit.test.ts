import { describe, expect, it } from 'vitest'
import { junitXml } from '../../testbench/junit.ts'

describe('results.xml', () => {
  it('counts, and tells what failed and what was not run', () => {
    const text = junitXml('xgen verify net', [
      { name: 'a = b', seconds: 1.25, detail: '3 values', verdict: { kind: 'passed' } },
      {
        name: 'b = c <"&\'>',
        seconds: 0.5,
        detail: '4 values',
        verdict: { kind: 'failed', summary: 'x & y', text: 'a < b\n\u0007' },
      },
      {
        name: 'c = d',
        seconds: 0,
        detail: '',
        verdict: { kind: 'not run', because: 'Verilator was not found' },
      },
    ])
    expect(text).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites tests="3" failures="1" errors="0" skipped="1" time="1.750">
        <testsuite name="xgen verify net" tests="3" failures="1" errors="0" skipped="1" time="1.750">
          <testcase classname="xgen verify net" name="a = b" time="1.250">
            <system-out>3 values</system-out>
          </testcase>
          <testcase classname="xgen verify net" name="b = c &lt;&quot;&amp;&apos;&gt;" time="0.500">
            <failure message="x &amp; y">a &lt; b
      ?</failure>
            <system-out>4 values</system-out>
          </testcase>
          <testcase classname="xgen verify net" name="c = d" time="0.000">
            <skipped message="not run, because Verilator was not found"/>
            <system-out></system-out>
          </testcase>
        </testsuite>
      </testsuites>
      "
    `)
  })
})
