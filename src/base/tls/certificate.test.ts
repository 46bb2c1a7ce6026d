import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { TempFolder } from '#test/support/temp-folder.ts'
import { loadCertificate } from './certificate.ts'
import { selfSign } from './self-signed.ts'

const NOW_MS = Date.UTC(2026, 10, 20)
const place = { name: 'rtmps', keys: 'rtmp.tls' }
const unset = { certificateFile: '', keyFile: '', ...place }

test('self-signed: OpenSSL reads it, it is valid now, for this machine, by its own key', () => {
  const x509 = new X509Certificate(selfSign(NOW_MS).certificate)
  assert.ok(x509.verify(x509.publicKey))
  assert.equal(x509.subject, 'CN=Tapedeck')
  assert.ok(Date.parse(x509.validFrom) < NOW_MS && Date.parse(x509.validTo) > NOW_MS + 800 * 24 * 3600_000)
  assert.equal(x509.checkHost('localhost'), 'localhost')
  assert.equal(x509.checkIP('127.0.0.1'), '127.0.0.1')
})

test('a self-signed certificate is kept, and renewed before it expires', async () => {
  await using folder = await TempFolder.make()
  const load = (nowMs: number) => loadCertificate({ ...unset, dataDir: folder.path, nowMs })
  const first = await load(NOW_MS)
  assert.deepEqual(await load(NOW_MS + 700 * 24 * 3600_000), first)
  const renewed = await load(NOW_MS + 800 * 24 * 3600_000)
  assert.notEqual(renewed.certificate, first.certificate)
})

test('configured files are used; unreadable or wrong ones are named', async () => {
  await using folder = await TempFolder.make()
  const pair = selfSign(NOW_MS)
  const [certificateFile, keyFile] = [folder.at('a.crt'), folder.at('a.key')]
  await writeFile(certificateFile, pair.certificate)
  await writeFile(keyFile, pair.key)
  const options = { certificateFile, keyFile, dataDir: folder.path, nowMs: NOW_MS, ...place }
  assert.deepEqual(await loadCertificate(options), pair)
  const wrong = { code: 'tls/certificate-unusable' }
  await assert.rejects(loadCertificate({ ...options, keyFile: certificateFile }), wrong)
  await assert.rejects(loadCertificate({ ...options, keyFile: '' }), wrong)
  await writeFile(folder.at('b.key'), selfSign(NOW_MS).key)
  await assert.rejects(loadCertificate({ ...options, keyFile: folder.at('b.key') }), wrong)
  await assert.rejects(loadCertificate({ ...options, certificateFile: folder.at('none') }), wrong)
})
