import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deliveryHref, hooksHref, parseRoute, recordingHref, ruleHref } from './route.ts'

const CASES = [
  { hash: '', route: { page: 'home', section: 'live' } },
  { hash: '#/', route: { page: 'home', section: 'live' } },
  { hash: '#/library', route: { page: 'home', section: 'library' } },
  { hash: '#/nonsense/x', route: { page: 'home', section: 'live' } },
  { hash: recordingHref('01/a?b'), route: { page: 'recording', id: '01/a?b' } },
  { hash: '#/recordings/', route: { page: 'home', section: 'live' } },
  { hash: '#/rules', route: { page: 'rules' } },
  { hash: '#/rules/new', route: { page: 'new-rule' } },
  { hash: ruleHref('01 é'), route: { page: 'rule', id: '01 é' } },
  { hash: '#/rules/%', route: { page: 'rule', id: '%' } },
  { hash: '#/sources', route: { page: 'sources' } },
  { hash: '#/record', route: { page: 'record' } },
  { hash: '#/hooks', route: { page: 'hooks', state: '', recording: '' } },
  { hash: hooksHref({ state: '', recording: '' }), route: { page: 'hooks', state: '', recording: '' } },
  {
    hash: hooksHref({ state: 'failed', recording: 'a&b' }),
    route: { page: 'hooks', state: 'failed', recording: 'a&b' },
  },
  { hash: deliveryHref('d/1'), route: { page: 'delivery', id: 'd/1' } },
]
for (const { hash, route } of CASES) {
  test(`the address ${hash || '(none)'}`, () => assert.deepEqual(parseRoute(hash), route))
}
