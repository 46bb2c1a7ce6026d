import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENT_TYPES as SENT } from '../../../src/control/event-types.ts'
import { EVENT_TYPES } from './event-link.ts'

test('the page listens for every event the server sends', () => assert.deepEqual(EVENT_TYPES, SENT))
