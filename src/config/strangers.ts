import type { Config, ListenAddress } from './config.ts'
import { OpenToStrangersError } from './errors.ts'
import { formatListenAddress, isLoopback } from './values/listen-address.ts'

/**
 * Promise 8: whoever reaches a listener from beyond this machine must have something to prove.
 * @param newSecret a fresh secret for the suggested line
 * @throws {OpenToStrangersError} with the lines to add
 */
export function refuseStrangers(config: Config, newSecret: () => string): void {
  const open: string[] = []
  const lines: string[] = []
  const { api, rtmp, auth } = config
  if (isExposed(api.listen) && auth.tokens.length === 0) open.push(`api.listen ${formatListenAddress(api.listen)}`)
  const rtmpListeners = [
    ['rtmp.listen', rtmp.listen],
    ['rtmp.tls.listen', rtmp.tls.listen],
  ] as const
  const openActions = (['publish', 'play'] as const).filter((action) => auth[action] === 'open')
  if (openActions.length > 0) {
    for (const [key, address] of rtmpListeners) {
      if (address !== undefined && isExposed(address)) open.push(`${key} ${formatListenAddress(address)}`)
    }
  }
  if (open.length === 0) return
  lines.push('auth:')
  if (auth.tokens.length === 0) lines.push('  tokens:', `    - { name: me, role: admin, token: '${newSecret()}' }`)
  for (const action of openActions) lines.push(`  ${action}: key`)
  throw new OpenToStrangersError(open, lines.join('\n'))
}

function isExposed(address: ListenAddress): boolean {
  return !isLoopback(address.host)
}
