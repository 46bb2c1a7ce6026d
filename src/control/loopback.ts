import { isIP, isIPv4 } from 'node:net'

/** Whether an address (not a name) is this machine's own: 127.0.0.0/8, ::1, or the IPv4 form inside IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, '')
  if (isIPv4(plain)) return plain.startsWith('127.')
  return isIP(plain) === 6 && /^(0*:)+0*1$/.test(plain)
}
