/** The reports of both runners, as they really write them. */

import assert from "node:assert/strict";
import { test } from "./harness.ts";
import { readReport } from "./report.ts";

const DENO = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="3" failures="1" errors="0" time="0.409">
    <testsuite name="./tests/harness.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="a -&gt; b" classname="./tests/harness.ts" time="0.000" line="1" col="3">
        </testcase>
        <testcase name="b &lt;c&gt; [skipped: no &quot;net&quot;]" classname="x" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="leak" classname="./tests/harness.ts" time="0.000" line="1" col="39">
            <failure message="Leaks detected">Leaks &lt;testcase name="x"/&gt; detected</failure>
        </testcase>
    </testsuite>
</testsuites>`;

const BUN = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="0" failures="1" skipped="1" time="0.4">
  <testsuite name="a_test.ts" file="a_test.ts" tests="4" failures="1" skipped="1" time="0.3">
    <testcase name="a > b" classname="" time="0.000013" file="a_test.ts" line="60" />
    <testcase name="b" classname="" time="0" file="a_test.ts" line="70" assertions="0">
      <skipped />
    </testcase>
    <testcase name="c" classname="" time="0.021324" file="a_test.ts" line="60" assertions="0" />
    <testcase name="slow" classname="" time="0.300375" file="a_test.ts" line="60">
      <failure type="TimeoutError" message="test timed out" />
    </testcase>
  </testsuite>
</testsuites>`;

test("readReport counts Deno's report", () => {
  const skipped = ['b <c> [skipped: no "net"]'];
  assert.deepEqual(readReport(DENO), { passed: 1, failed: 1, skipped });
});

test("readReport counts Bun's report", () => {
  assert.deepEqual(readReport(BUN), { passed: 2, failed: 1, skipped: ["b"] });
});

test("readReport counts nothing in no report", () => {
  assert.deepEqual(readReport(""), { passed: 0, failed: 0, skipped: [] });
});
