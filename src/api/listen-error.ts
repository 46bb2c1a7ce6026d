import { TapedeckError } from '#base/error.ts'

/** A listener could not be opened; the message names the key to change. */
export class ApiListenError extends TapedeckError {
  readonly code = 'api/listen-failed'
  readonly origin = 'operator'
  readonly host: string
  readonly port: number
  /** Configuration key of the listener. */
  readonly key: string
  /** The system's word: EADDRINUSE, EACCES, EADDRNOTAVAIL. */
  readonly systemCode: string
  constructor(address: { readonly host: string; readonly port: number }, key: string, cause: unknown) {
    const systemCode = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    super(`can't listen on ${address.host}:${address.port}, ${reasonOf(systemCode, cause)}: change ${key}`, { cause })
    this.host = address.host
    this.port = address.port
    this.key = key
    this.systemCode = systemCode
  }
}

function reasonOf(systemCode: string, cause: unknown): string {
  switch (systemCode) {
    case 'EADDRINUSE':
      return 'another program has this port'
    case 'EACCES':
      return 'this user may not (ports below 1024 need a privilege)'
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address'
    default:
      return String(cause)
  }
}
