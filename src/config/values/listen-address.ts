import { isIP } from 'node:net'
import type { ListenAddress } from '../config.ts'
import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/**
 * `127.0.0.1:1935`, `[::1]:1935`, `:1935` and `1935` (loopback), `0.0.0.0` (the port of the key). Undefined when it is
 * none of these.
 */
export function parseListenAddress(text: string, defaultPort: number): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text.trim())
  if (match === null) return undefined
  const [, bracketed, plain = '', portText] = match
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined
  const isBarePort = bracketed === undefined && portText === undefined && /^\d{1,5}$/.test(plain)
  const host = isBarePort ? '' : (bracketed ?? plain)
  const port = Number(isBarePort ? plain : (portText ?? defaultPort))
  if (port > 65_535) return undefined
  if (bracketed === undefined && host !== '' && !isHostName(host)) return undefined
  return { host: host === '' ? '127.0.0.1' : host, port }
}

function isHostName(host: string): boolean {
  if (/^[\d.]+$/.test(host)) return isIP(host) === 4
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(host)
}

/** `127.0.0.1:1935`; IPv6 addresses in brackets. */
export function formatListenAddress(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** True when only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  const address = host.toLowerCase()
  if (address === 'localhost' || address === '::1') return true
  return isIP(address) === 4 && address.startsWith('127.')
}

/** Where a server listens. */
export function listenAddress(defaultPort: number): ValueType<ListenAddress> {
  return {
    expected: `host:port, such as 127.0.0.1:${defaultPort} or [::1]:${defaultPort}`,
    text: 'plain',
    read(found, path, report) {
      const address =
        typeof found === 'string' || typeof found === 'number'
          ? parseListenAddress(String(found), defaultPort)
          : undefined
      if (address !== undefined && found !== '') return address
      report(path, showFound(found), `expected ${this.expected}`)
      return INVALID
    },
  }
}

/** Where a server listens, or '' when it is off. */
export function optionalListenAddress(defaultPort: number): ValueType<ListenAddress | undefined> {
  const required = listenAddress(defaultPort)
  return {
    expected: `${required.expected}; or '' (off)`,
    text: 'plain',
    read(found, path, report) {
      if (found === '' || found === null) return undefined
      return required.read.call(this, found, path, report)
    },
  }
}
