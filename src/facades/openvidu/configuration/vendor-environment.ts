/**
 * The vendor's environment variables, as its containers are started with, as keys of ours. spec section 1.
 * @returns texts as a configuration file would have them
 */
export function vendorEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const given = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value] as const],
  )
  const properties = given.filter(([name]) => /^(OPENVIDU_|openvidu\.)/.test(name) || name === 'DOMAIN_OR_PUBLIC_IP')
  const {
    HTTPS_PORT,
    OPENVIDU_SECRET: secret,
    OPENVIDU_RECORDING_PATH: recordingPath,
    ...others
  }: Record<string, string> = Object.fromEntries([...properties, ...given.filter(([name]) => name === 'HTTPS_PORT')])
  return {
    // By itself, so that it is never printed.
    ...(secret !== undefined && { 'facades.openvidu.secret': secret }),
    ...(HTTPS_PORT !== undefined && { 'facades.openvidu.listen': HTTPS_PORT }),
    ...(recordingPath !== undefined && { 'recordings.root': recordingPath }),
    ...(Object.keys(others).length > 0 && { 'facades.openvidu.override': JSON.stringify(others) }),
  }
}
