import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { signatureOf } from '#hooks/signature.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** The guide's own examples, run as they stand there. */

const SECRET = 'at least sixteen characters'
const BODY = '{"type":"part.ready","data":{"name":"ünïcode, and\\n more"}}'

async function example(language: string): Promise<string> {
  const page = await readFile(new URL('../../docs/guide/09-hooks.md', import.meta.url), 'utf8')
  const [, code] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  assert.ok(code !== undefined, `the guide has an example in ${language}`)
  return code
}

const DELIVERIES = [
  { name: 'ours', header: () => signatureOf(SECRET, BODY, Date.now()), body: BODY, isOurs: true },
  { name: 'changed', header: () => signatureOf(SECRET, BODY, Date.now()), body: `${BODY} `, isOurs: false },
  { name: 'of another', header: () => signatureOf('guessed', BODY, Date.now()), body: BODY, isOurs: false },
  { name: 'old', header: () => signatureOf(SECRET, BODY, Date.now() - 600_000), body: BODY, isOurs: false },
  { name: 'unsigned', header: () => '', body: BODY, isOurs: false },
]

test('the shell example knows what is ours', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('check'), await example('sh'))
  for (const { name, header, body, isOurs } of DELIVERIES) {
    const child = spawn('sh', [folder.at('check'), header()], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'], SECRET },
    })
    child.stdin.on('error', () => {})
    child.stdin.end(body)
    const [code] = await once(child, 'exit')
    assert.equal(code === 0, isOurs, name)
  }
})

test('the Node example knows what is ours', async () => {
  await using folder = await TempFolder.make()
  await writeFile(
    folder.at('receiver.mjs'),
    (await example('js')).replace("console.log('ready')", 'console.log(server.address().port)'),
  )
  const child = spawn(process.execPath, [folder.at('receiver.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { SECRET, PORT: '0' },
  })
  try {
    const [port] = await once(child.stdout, 'data')
    for (const { name, header, body, isOurs } of DELIVERIES) {
      const headers = { 'tapedeck-signature': header() }
      const { status } = await fetch(`http://127.0.0.1:${Number(String(port))}/`, { method: 'POST', body, headers })
      assert.equal(status === 204, isOurs, name)
    }
  } finally {
    child.kill('SIGKILL')
  }
})
