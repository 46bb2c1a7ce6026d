import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { ConfigFileError, ConfigInvalidError, OpenToStrangersError } from './errors.ts'
import { declareFacade } from './facade.ts'
import { Key } from './key.ts'
import { type ConfigSources, loadConfig } from './load.ts'
import { describeOrigin } from './origin.ts'
import { problemLine } from './problem.ts'
import { CONFIG_KEYS } from './sections/all.ts'
import { flag } from './values/flag.ts'
import { listenAddress } from './values/listen-address.ts'
import { text } from './values/text.ts'

async function inFolder(yaml: string | undefined, run: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'tapedeck-config-'))
  try {
    if (yaml !== undefined) await writeFile(join(cwd, 'tapedeck.yaml'), yaml)
    await run(cwd)
  } finally {
    await rm(cwd, { recursive: true })
  }
}

const load = (cwd: string, given: Partial<ConfigSources> = {}) =>
  loadConfig({ file: undefined, env: {}, flags: {}, cwd, ...given })

test('with nothing configured every stream is recorded, on loopback only', async () => {
  await inFolder(undefined, async (cwd) => {
    const { config, keys, file } = await load(cwd)
    assert.equal(file, undefined)
    assert.deepEqual(config.rules, [{ ...NEW_RULE, match: '**' }])
    assert.deepEqual(config.api.listen, { host: '127.0.0.1', port: 8000 })
    assert.deepEqual(config.rtmp.listen, { host: '127.0.0.1', port: 1935 })
    assert.equal(config.rtmp.tls.listen, undefined)
    assert.deepEqual(config.recordings.roots, [join(cwd, 'recordings')])
    assert.equal(config.recordings.keep.minFreeBytes, 1024 ** 3)
    assert.ok(keys.every((key) => key.origin.kind === 'default'))
  })
})

test('flag beats environment beats file beats default, and each says where it came from', async () => {
  const yaml =
    'log:\n  level: warn\nrtmp:\n  idleTimeoutMs: 5000\n  tls: { listen: 127.0.0.1 }\ndata: /var/lib/tapedeck\n'
  await inFolder(yaml, async (cwd) => {
    const { config, keys } = await load(cwd, {
      env: {
        TAPEDECK_LOG_LEVEL: 'error',
        TAPEDECK_RTMP_MAX_CHUNK_STREAMS: '32',
        TAPEDECK_DATA: './elsewhere',
        HOME: '/',
      },
      flags: { 'log.level': 'debug' },
    })
    assert.equal(config.log.level, 'debug')
    assert.equal(config.rtmp.idleTimeoutMs, 5000)
    assert.equal(config.rtmp.maxChunkStreams, 32)
    assert.equal(config.data, join(cwd, 'elsewhere'))
    assert.deepEqual(config.rtmp.tls.listen, { host: '127.0.0.1', port: 1936 })
    const origins = Object.fromEntries(keys.map(({ path, origin }) => [path, describeOrigin(origin)]))
    assert.equal(origins['log.level'], '--log-level')
    assert.equal(origins['data'], 'TAPEDECK_DATA')
    assert.equal(origins['rtmp.idleTimeoutMs'], 'tapedeck.yaml:4')
    assert.equal(origins['rtmp.listen'], 'default')
  })
})

test('paths in the file are meant from its folder, others from the working directory', async () => {
  await inFolder('recordings: { root: [./a, /b] }\n', async (cwd) => {
    const { config } = await loadConfig({
      file: join(cwd, 'tapedeck.yaml'),
      env: {},
      flags: {},
      cwd: tmpdir(),
      nodeName: 'look',
    })
    assert.deepEqual(config.recordings.roots, [join(cwd, 'a'), '/b'])
    assert.equal(config.data, join(tmpdir(), 'data'))
  })
})

test('a node without a name gets one and keeps it', async () => {
  await inFolder(undefined, async (cwd) => {
    assert.equal((await load(cwd, { nodeName: 'look' })).config.node, '')
    const [first, second] = await Promise.all([load(cwd), load(cwd)])
    assert.match(first.config.node, /^node-[0-9a-f]{8}$/)
    assert.equal(second.config.node, first.config.node)
    assert.equal(await readFile(join(cwd, 'data', 'node-id'), 'utf8'), `${first.config.node}\n`)
    assert.equal((await load(cwd, { env: { TAPEDECK_NODE: 'studio-1' } })).config.node, 'studio-1')
  })
})

const WRONG: readonly {
  name: string
  yaml?: string
  env?: Record<string, string>
  flags?: Record<string, string>
  says: string[]
}[] = [
  {
    name: 'unknown keys with what was probably meant',
    yaml: 'rtmp:\n  listn: 1935\n  tls: { cert: x }\nrecording: {}\ncolour: red\n',
    says: [
      'rtmp.listn (tapedeck.yaml:2): is not a key; did you mean rtmp.listen?',
      'rtmp.tls.cert (tapedeck.yaml:3): is not a key; rtmp.tls has listen, certificate, key',
      'recording (tapedeck.yaml:4): is not a key; did you mean recordings?',
      `colour (tapedeck.yaml:5): is not a key; the sections are ${Object.keys(CONFIG_KEYS).join(', ')}, facades`,
    ],
  },
  {
    name: 'wrong types and values',
    yaml: 'rtmp: 1935\nlog: { level: inf }\nrecordings: { keep: { bytes: 3 parsec, days: -1 }, root: [] }\n',
    says: [
      'rtmp (tapedeck.yaml:1): found 1935; expected a section with the keys listen, tls, idleTimeoutMs, maxConnections, maxMessageBytes, maxChunkStreams',
      'recordings.root (tapedeck.yaml:3): found []; expected a folder, or a list of them',
      'recordings.keep.days (tapedeck.yaml:3): found -1; expected a whole number of days, at least 0 (0: no limit)',
      'recordings.keep.bytes (tapedeck.yaml:3): found "3 parsec"; expected a size such as 512MiB or 2GB, at least 0 bytes (0: no limit)',
      'log.level (tapedeck.yaml:2): found "inf"; expected one of debug, info, warn, error; did you mean info?',
    ],
  },
  {
    name: 'environment variables and flags',
    env: { TAPEDECK_RTMP_LISTN: 'x', TAPEDECK_RULES: '[{ mach: x }]', TAPEDECK_API_LISTEN: '' },
    flags: { 'rtmp.idelTimeoutMs': '1' },
    says: [
      'TAPEDECK_RTMP_LISTN (environment): is not a key; did you mean TAPEDECK_RTMP_LISTEN?',
      'rtmp.idelTimeoutMs (--set): is not a key; did you mean rtmp.idleTimeoutMs?',
      'rules[0].mach (TAPEDECK_RULES): is not a key; did you mean match?',
      'rules[0].match (TAPEDECK_RULES): is missing; expected a pattern over stream paths such as live/* or **',
      'api.listen (TAPEDECK_API_LISTEN): found ""; expected host:port, such as 127.0.0.1:8000 or [::1]:8000',
    ],
  },
  {
    name: 'combinations',
    yaml: 'rtmp: { listen: 8000, tls: { key: a.pem } }\nauth: { publish: key }\nrules: [{ match: a, request: { ifExists: append, rotate: { seconds: 5 } } }]\n',
    says: [
      'rules[0]: rotate is {"seconds":5}: give no rotation together with ifExists append',
      'rtmp.tls.certificate: is missing although rtmp.tls.key is given: give both PEM files, or neither for a self-signed one',
      'auth.publish: is key, but no token has the role publish or admin: add one to auth.tokens',
      'rtmp.listen: found 127.0.0.1:8000; is taken by api.listen: choose another port',
    ],
  },
  {
    name: 'RTSP: certificate, ports and a choice',
    yaml: "rtsp: { udpPorts: '80-90', damaged: mend, tls: { certificate: a.pem } }\n",
    says: [
      'rtsp.udpPorts (tapedeck.yaml:1): found "80-90"; expected a range of ports such as 20000-29999; or \'\' (off), from 1024 to 65535',
      'rtsp.damaged (tapedeck.yaml:1): found "mend"; expected one of drop, keep',
    ],
  },
  {
    name: 'RTSP: half a certificate, a port that is taken',
    yaml: 'rtsp: { listen: 1935, tls: { certificate: a.pem } }\n',
    says: [
      'rtsp.tls.key: is missing although rtsp.tls.certificate is given: give both PEM files, or neither for a self-signed one',
      'rtsp.listen: found 127.0.0.1:1935; is taken by rtmp.listen: choose another port',
    ],
  },
  {
    name: 'secrets without showing them',
    yaml: 'auth: { tokens: [{ name: a, role: admin, token: short }] }\n',
    says: ['auth.tokens[0].token (tapedeck.yaml:1): expected a secret of at least 16 characters without spaces'],
  },
]
for (const { name, yaml, env = {}, flags = {}, says } of WRONG) {
  test(`reported together: ${name}`, async () => {
    await inFolder(yaml, async (cwd) => {
      await assert.rejects(load(cwd, { env, flags }), (error) => {
        assert.ok(error instanceof ConfigInvalidError)
        assert.deepEqual(error.problems.map(problemLine), says)
        return true
      })
    })
  })
}

test('a file that is no YAML, or not there though named, is told apart', async () => {
  await inFolder('rtmp: [', async (cwd) => {
    await assert.rejects(load(cwd), ConfigInvalidError)
    await assert.rejects(load(cwd, { file: 'other.yaml' }), ConfigFileError)
    await assert.rejects(load(cwd, { env: { TAPEDECK_CONFIG: 'other.yaml' } }), ConfigFileError)
  })
})

const TOKEN = '{ name: me, role: admin, token: 0123456789abcdef }'
const DOORS: readonly { name: string; yaml: string; refused: boolean; adds?: RegExp }[] = [
  {
    name: 'RTMP to all, nothing configured',
    yaml: 'rtmp: { listen: 0.0.0.0 }',
    refused: true,
    adds: /tokens:.*publish: key.*play: key/s,
  },
  {
    name: 'RTMPS to all, open publishing',
    yaml: `rtmp: { tls: { listen: '[::]' } }\nauth: { tokens: [${TOKEN}] }`,
    refused: true,
    adds: /^auth:\n {2}publish: key/,
  },
  { name: 'RTSP to all', yaml: "rtsp: { listen: '[::]' }", refused: true, adds: /publish: key.*play: key/s },
  { name: 'API to the network, no token', yaml: 'api: { listen: 192.168.1.2 }', refused: true, adds: /role: admin/ },
  { name: 'API by name', yaml: 'api: { listen: studio.example }', refused: true },
  {
    name: 'API to the network with a token',
    yaml: `api: { listen: 0.0.0.0 }\nauth: { tokens: [${TOKEN}] }`,
    refused: false,
  },
  {
    name: 'RTMP to all with keys',
    yaml: `rtmp: { listen: 0.0.0.0 }\nauth: { tokens: [${TOKEN}], publish: key, play: key }`,
    refused: false,
  },
  {
    name: 'other loopback addresses',
    yaml: "rtmp: { listen: '127.8.9.1' }\napi: { listen: '[::1]:8000' }",
    refused: false,
  },
]
for (const { name, yaml, refused, adds } of DOORS) {
  test(`promise 8, ${refused ? 'refused' : 'allowed'}: ${name}`, async () => {
    await inFolder(yaml, async (cwd) => {
      if (!refused) return void (await load(cwd))
      await assert.rejects(load(cwd), (error) => {
        assert.ok(error instanceof OpenToStrangersError)
        if (adds !== undefined) assert.match(error.linesToAdd, adds)
        return true
      })
    })
  })
}

test('rules become recording requests', async () => {
  const yaml =
    'rules:\n  - { match: live/*, priority: 5, once: true, metadata: { by: me }, request: { format: ts, rotate: { bytes: 1GiB }, metadata: { room: a } } }\n'
  await inFolder(yaml, async (cwd) => {
    const { config } = await load(cwd)
    const request = { format: 'ts', rotate: { bytes: 1024 ** 3 }, metadata: { room: 'a' } }
    const rule = { match: 'live/*', priority: 5, once: true, metadata: { by: 'me' }, request }
    assert.deepEqual(config.rules, [{ ...NEW_RULE, ...rule }])
  })
})

const FACADE = declareFacade({
  name: 'olddoor',
  keys: {
    enabled: new Key(flag, { default: false, about: 'On or off.' }),
    http: { listen: new Key(listenAddress(7000), { default: '127.0.0.1:7000', about: 'Its door.' }) },
    settings: new Key(text('a file'), { default: '', about: 'A file of its own.' }),
    password: new Key(text('a password'), { default: '', about: 'Asked for at the door.', secret: true }),
  },
  paths: ['settings'],
  likes: { olddoor: { 'facades.olddoor.enabled': true, rules: [] } },
  listeners: ({ http, password }) => [
    { key: 'http.listen', address: http.listen, isOpen: password === '', linesToAdd: ["password: 'a secret'"] },
  ],
})

/** Changes nothing in the folder, which is everybody's. */
const look = (cwd: string, given: Partial<ConfigSources>) => load(cwd, { nodeName: 'look', ...given })

test('a facade has a section of its own, whose paths are absolute', async () => {
  const cwd = tmpdir()
  const facades = [FACADE]
  const { config } = await look(cwd, { facades, flags: { 'facades.olddoor.settings': 'old.conf' } })
  assert.deepEqual(config.facades['olddoor'], {
    enabled: false,
    http: { listen: { host: '127.0.0.1', port: 7000 } },
    settings: join(cwd, 'old.conf'),
    password: '',
  })
  await assert.rejects(look(cwd, { facades, flags: { 'facades.olddor.settings': 'x' } }), { code: 'config/invalid' })
})

test('a profile lies above the defaults and below everything else', async () => {
  const cwd = tmpdir()
  const { config, keys } = await look(cwd, { facades: [FACADE], like: 'olddoor' })
  assert.equal(config.facades['olddoor']?.enabled, true)
  assert.deepEqual(config.rules, [])
  assert.deepEqual(keys.find(({ path }) => path === 'rules')?.origin, { kind: 'profile', name: 'olddoor' })
  const flags = { rules: '[{ match: a/* }]' }
  assert.equal((await look(cwd, { facades: [FACADE], like: 'olddoor', flags })).config.rules.length, 1)
  await assert.rejects(look(cwd, { facades: [FACADE], like: 'neverheard' }), { code: 'config/profile-unknown' })
})

test('an open door of a facade beyond loopback is refused, with the lines that close it', async () => {
  const cwd = tmpdir()
  const open = { facades: [FACADE], like: 'olddoor', flags: { 'facades.olddoor.http.listen': '0.0.0.0:7000' } }
  await assert.rejects(look(cwd, open), (error) => {
    assert.match(String(error), /facades\.olddoor\.http\.listen[\s\S]*facades:\n {2}olddoor:\n {4}password: 'a secret'/)
    return true
  })
  const closed = { ...open, flags: { ...open.flags, 'facades.olddoor.password': 'x' } }
  assert.equal((await look(cwd, closed)).config.facades['olddoor']?.enabled, true)
  // Switched off, it opens nothing.
  await look(cwd, { facades: [FACADE], flags: open.flags })
})

test("a facade's door can't take another's port", async () => {
  const cwd = tmpdir()
  const taken = { facades: [FACADE], like: 'olddoor', flags: { 'facades.olddoor.http.listen': '127.0.0.1:1935' } }
  await assert.rejects(look(cwd, taken), /rtmp\.listen/)
})

test('servers that start on one folder at once have one name', async () => {
  await inFolder(undefined, async (cwd) => {
    const loaded = await Promise.all(Array.from({ length: 20 }, () => load(cwd)))
    assert.equal(new Set(loaded.map(({ config }) => config.node)).size, 1)
    assert.deepEqual(await readdir(join(cwd, 'data')), ['node-id'])
  })
})
