import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tagNumber } from './tags.ts'

const CASES: readonly [tag: string, number: bigint][] = [
  ['INR', 5282249572905648128n],
  ['AAAC', 4702111241970122752n],
  ['VH264', 6217274493967007744n],
  ['AUNK', 4707755069515235328n],
  ['VUNK', 6220964544311721984n],
]

for (const [tag, number] of CASES) test(`${tag} as a number`, () => assert.equal(tagNumber(tag), number))
