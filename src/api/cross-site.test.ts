import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestSource } from './cross-site.ts'

const host = '127.0.0.1:8000'
const ALLOWED = ['https://ops.example']
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
const CASES = [
  { name: 'curl', method: 'POST', headers: {}, source: 'own' },
  {
    name: 'our page',
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', origin: `http://${host}` },
    source: 'own',
  },
  { name: 'the address bar', method: 'GET', headers: { 'sec-fetch-site': 'none' }, source: 'own' },
  {
    name: 'a foreign page',
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    source: 'foreign',
  },
  {
    name: 'a page on another local port',
    method: 'GET',
    headers: { 'sec-fetch-site': 'same-site' },
    source: 'foreign',
  },
  {
    name: 'a foreign <video>',
    method: 'GET',
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    source: 'foreign',
  },
  { name: 'a link followed', method: 'GET', headers: { 'sec-fetch-site': 'cross-site', ...NAVIGATION }, source: 'own' },
  {
    name: 'a form sent',
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site', ...NAVIGATION },
    source: 'foreign',
  },
  {
    name: 'a foreign frame',
    method: 'GET',
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    source: 'foreign',
  },
  { name: 'an old browser, our page', method: 'POST', headers: { origin: `http://${host}` }, source: 'own' },
  {
    name: 'an old browser, a foreign page',
    method: 'POST',
    headers: { origin: 'https://evil.example' },
    source: 'foreign',
  },
  {
    name: 'a page behind a proxy that rewrites Host',
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', origin: 'https://rec.example' },
    source: 'foreign',
  },
  { name: 'a sandboxed page', method: 'POST', headers: { origin: 'null' }, source: 'foreign' },
  {
    name: 'an allowed page',
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://ops.example' },
    source: 'allowed',
  },
] as const

for (const { name, method, headers, source } of CASES) {
  test(`${name} is ${source}`, () =>
    assert.equal(requestSource({ method, headers: { host, ...headers } }, ALLOWED), source))
}
