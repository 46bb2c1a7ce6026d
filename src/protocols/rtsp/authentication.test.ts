import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  answerChallenge,
  type Challenge,
  parseAuthorization,
  parseChallenges,
  provesPassword,
  strongestChallenge,
  writeChallenges,
} from './authentication.ts'

const MUFASA = { user: 'Mufasa', password: 'Circle of Life' }
const RFC_7616 =
  'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
const CLIENT_NONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'

const VECTORS = [
  {
    name: 'RFC 7616 §3.9.1, SHA-256',
    challenge: `Digest algorithm=SHA-256, ${RFC_7616}`,
    login: MUFASA,
    request: { method: 'GET', uri: '/dir/index.html' },
    response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  },
  {
    name: 'RFC 7616 §3.9.1, MD5',
    challenge: `Digest algorithm=MD5, ${RFC_7616}`,
    login: MUFASA,
    request: { method: 'GET', uri: '/dir/index.html' },
    response: '8ca523f5e9506fed4657c9700eebdbec',
  },
  {
    name: 'RFC 2069 as corrected (errata 749), no qop',
    challenge: 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
    login: { user: 'Mufasa', password: 'CircleOfLife' },
    request: { method: 'GET', uri: '/dir/index.html' },
    response: '1949323746fe6a43ef61f9606e7febea',
  },
] as const

for (const { name, challenge, login, request, response } of VECTORS) {
  test(`answers ${name}`, () => {
    const [parsed] = parseChallenges([challenge])
    assert.ok(parsed !== undefined)
    const answer = parseAuthorization(answerChallenge(parsed, login, request, 1, CLIENT_NONCE))
    assert.equal(answer?.parameters.get('response'), response)
  })
}

test('challenges: several fields, or several in one; what nobody can answer is left out', () => {
  const of = (...fields: string[]) =>
    parseChallenges(fields).map(({ scheme, algorithm, hasQop }) => `${scheme} ${algorithm}${hasQop ? ' qop' : ''}`)
  assert.deepEqual(of('Basic realm="a, b"', 'Digest realm=x, nonce=y'), ['basic MD5', 'digest MD5'])
  assert.deepEqual(of('Digest realm="x",nonce="y" , algorithm=sha-256,qop="auth", Basic realm="z"'), [
    'digest SHA-256 qop',
    'basic MD5',
  ])
  assert.deepEqual(
    of(
      'Digest realm="x", nonce="y", qop="auth-int"',
      'Digest realm="x"',
      'Bearer',
      'Digest nonce=1, algorithm=SHA-512',
    ),
    [],
  )
  assert.equal(parseChallenges(['Digest realm="x", nonce="y", stale=TRUE'])[0]?.isStale, true)
})

test('the strongest is answered: SHA-256, then MD5, then Basic', () => {
  const challenges = parseChallenges([...writeChallenges('r', 'n', ['basic', 'digest'])].reverse())
  assert.equal(strongestChallenge(challenges)?.algorithm, 'SHA-256')
  assert.equal(strongestChallenge(challenges.filter(({ algorithm }) => algorithm === 'MD5'))?.scheme, 'digest')
  assert.equal(strongestChallenge([]), undefined)
})

const expected = { method: 'ANNOUNCE', realm: 'r', nonce: 'n' }
const plain: Challenge = {
  scheme: 'digest',
  realm: 'r',
  nonce: 'n',
  opaque: 'o',
  algorithm: 'MD5',
  hasQop: false,
  isStale: false,
}

test('the right password proves itself by every scheme and algorithm, another one by none', () => {
  const challenge = fc.record({
    scheme: fc.constantFrom('basic' as const, 'digest' as const),
    realm: fc.constant('r'),
    nonce: fc.constant('n'),
    opaque: fc.constantFrom('', 'o"p\\q'),
    algorithm: fc.constantFrom('MD5' as const, 'MD5-sess' as const, 'SHA-256' as const, 'SHA-256-sess' as const),
    hasQop: fc.boolean(),
    isStale: fc.constant(false),
  })
  const user = fc.string().filter((text) => !text.includes(':'))
  fc.assert(
    fc.property(challenge, user, fc.string(), fc.string(), (each, name, right, wrong) => {
      const login = { user: name, password: right }
      const field = answerChallenge(each, login, { method: 'ANNOUNCE', uri: 'rtsp://h/a b"c' }, 1, 'cn')
      const authorization = parseAuthorization(field)
      assert.ok(authorization !== undefined)
      assert.equal(authorization.user, name)
      assert.equal(provesPassword(authorization, right, expected), true)
      assert.equal(provesPassword(authorization, wrong, expected), wrong === right)
    }),
  )
})

test('an answer counts for its method, realm and nonce only', () => {
  const field = answerChallenge(plain, MUFASA, { method: 'ANNOUNCE', uri: '/' }, 1, '')
  const authorization = parseAuthorization(field)
  assert.ok(authorization !== undefined)
  const proves = (change: object) => provesPassword(authorization, MUFASA.password, { ...expected, ...change })
  assert.deepEqual(
    [proves({}), proves({ method: 'PLAY' }), proves({ realm: 'x' }), proves({ nonce: 'x' })],
    [true, false, false, false],
  )
})

test('nothing makes the parsers throw', () => {
  const piece = fc.constantFrom('Digest ', 'Basic ', 'realm', '=', '"', '\\', ',', ' ', 'a')
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, (field) => {
      parseChallenges([field])
      const authorization = parseAuthorization(field)
      if (authorization !== undefined) provesPassword(authorization, 'x', expected)
    }),
  )
})
