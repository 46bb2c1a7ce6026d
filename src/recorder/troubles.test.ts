import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NameTakenError, StorageFullError, StorageIoError } from '#storage/errors.ts'
import { severityOf, Troubles } from './troubles.ts'

const full = new StorageFullError('/disk/a')
const broken = new StorageIoError('/disk/b')

test('the newest trouble is the one to show, and the same kind is told once', () => {
  const troubles = new Troubles<string>()
  assert.equal(troubles.add('part 1', full), true)
  assert.equal(troubles.add('part 1', full), false)
  assert.equal(troubles.add('part 2', full), false)
  assert.equal(troubles.add('part 2', broken), true)
  assert.equal(troubles.current?.code, 'storage/io')
})

test('without trouble there is nothing to show', () => {
  assert.equal(new Troubles<string>().current, null)
})

test('one part’s recovery leaves another’s trouble', () => {
  const troubles = new Troubles<string>()
  troubles.add('part 1', full)
  troubles.add('part 2', broken)
  assert.equal(troubles.remove('part 2'), false)
  assert.equal(troubles.current?.code, 'storage/full')
  assert.equal(troubles.remove('part 1'), true)
  assert.equal(troubles.remove('part 1'), false, 'there was none')
  assert.equal(troubles.current, null)
})

test('a name that is taken is no alarm, a full disk is', () => {
  assert.equal(severityOf(new NameTakenError('/rec/cam1.mp4')), 'warn')
  assert.equal(severityOf(full), 'error')
  assert.equal(severityOf(new Error('unforeseen')), 'error')
})
