import { isIP } from 'node:net'
import type { Config, ListenAddress } from '#config/config.ts'
import { isLoopbackAddress } from '#control/loopback.ts'

/** Addresses that mean "all of this machine's". */
const WILDCARD_HOSTS: readonly string[] = ['', '0.0.0.0', '::']

interface HostHeader {
  /** Lower case; IPv6 without brackets. */
  readonly name: string
  readonly port: number
}

/**
 * Whether a Host header names this server. A page elsewhere may point its own name at 127.0.0.1 (DNS rebinding); then
 * the browser sends that name. Addresses can't be rebound, so they are fine where we listen on them.
 */
export function isOurHost(
  header: string | undefined,
  listen: ListenAddress,
  allowedHosts: Config['api']['allowedHosts'],
): boolean {
  const host = parseHost(header)
  if (host === undefined) return false
  if (allowedHosts.some((allowed) => allows(allowed, host))) return true
  if (host.port !== listen.port) return false
  if (host.name === 'localhost' || isLoopbackAddress(host.name)) return true
  if (host.name === listen.host.toLowerCase()) return true
  return WILDCARD_HOSTS.includes(listen.host) && isIP(host.name) !== 0
}

/** `name` allows it at any port, `name:port` at that one. */
function allows(allowed: string, host: HostHeader): boolean {
  const wanted = allowed.toLowerCase()
  const bracketed = isIP(host.name) === 6 ? `[${host.name}]` : host.name
  return wanted === host.name || wanted === bracketed || wanted === `${bracketed}:${host.port}`
}

function parseHost(header: string | undefined): HostHeader | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(header ?? '')
  if (match === null) return undefined
  const name = (match[1] ?? match[2] ?? '').toLowerCase().replace(/\.$/, '')
  return { name, port: match[3] === undefined ? 80 : Number(match[3]) }
}
