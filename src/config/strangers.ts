import type { Config, ListenAddress } from './config.ts'
import { OpenToStrangersError } from './errors.ts'
import type { FacadeDeclaration, FacadeListener } from './facade.ts'
import { formatListenAddress, isLoopback } from './values/listen-address.ts'

/**
 * Promise 8: whoever reaches a listener from beyond this machine must have something to prove.
 * @param newSecret a fresh secret for the suggested line
 * @throws {OpenToStrangersError} with the lines to add
 */
export function refuseStrangers(config: Config, facades: readonly FacadeDeclaration[], newSecret: () => string): void {
  const open: string[] = []
  const lines: string[] = []
  const { api, rtmp, rtsp, auth } = config
  if (isExposed(api.listen) && auth.tokens.length === 0) open.push(`api.listen ${formatListenAddress(api.listen)}`)
  const mediaListeners = [
    ['rtmp.listen', rtmp.listen],
    ['rtmp.tls.listen', rtmp.tls.listen],
    ['rtsp.listen', rtsp.listen],
    ['rtsp.tls.listen', rtsp.tls.listen],
  ] as const
  const openActions = (['publish', 'play'] as const).filter((action) => auth[action] === 'open')
  if (openActions.length > 0) {
    for (const [key, address] of mediaListeners) {
      if (address !== undefined && isExposed(address)) open.push(`${key} ${formatListenAddress(address)}`)
    }
    for (const { key, address, isOpen } of facadeListeners(config, facades)) {
      if (isOpen !== 'unlessStreamsAreKeyed' || address === undefined || !isExposed(address)) continue
      open.push(`${key} ${formatListenAddress(address)}`)
    }
  }
  if (open.length > 0) {
    lines.push('auth:')
    if (auth.tokens.length === 0) lines.push('  tokens:', `    - { name: me, role: admin, token: '${newSecret()}' }`)
    for (const action of openActions) lines.push(`  ${action}: key`)
  }
  const strange = facadeListeners(config, facades).filter(({ address, isOpen }) => {
    return isOpen === true && address !== undefined && isExposed(address)
  })
  if (strange.length > 0) lines.push('facades:')
  for (const { key, address, facade, linesToAdd } of strange) {
    if (address !== undefined) open.push(`${key} ${formatListenAddress(address)}`)
    lines.push(`  ${facade}:`, ...linesToAdd.map((line) => `    ${line}`))
  }
  if (open.length === 0) return
  throw new OpenToStrangersError(open, lines.join('\n'))
}

/** Doors of the facades that are enabled, with the keys they have in the whole configuration. */
export function facadeListeners(
  config: Config,
  facades: readonly FacadeDeclaration[],
): (FacadeListener & { readonly facade: string })[] {
  return facades.flatMap(({ name, listeners }) => {
    const settings = config.facades[name]
    if (settings === undefined || !settings.enabled) return []
    return listeners(settings).map((listener) => ({
      ...listener,
      facade: name,
      key: `facades.${name}.${listener.key}`,
    }))
  })
}

function isExposed(address: ListenAddress): boolean {
  return !isLoopback(address.host)
}
