import type { Command } from '../command-table.ts'

/** The release of the vendor's whose commands these are: some clients compare it. */
const RELEASE = '1.7.1'

/** `version` and `quit`. */
export function generalCommands(version: string): readonly Command[] {
  return [
    {
      name: 'version',
      description: 'Tells the version of the server',
      parameters: [],
      run: () => ({ description: 'Version', data: versionValue(version) }),
    },
    {
      name: 'quit',
      aliases: ['exit'],
      description: 'Closes the connection',
      parameters: [],
      run: () => ({ description: 'Bye!', data: null, closes: true }),
    },
  ]
}

/** The version as commands and events tell it. */
export function versionValue(version: string): { readonly [name: string]: string } {
  return {
    banner: `Tapedeck ${version} (commands of EvoStream Media Server ${RELEASE})`,
    branchName: 'main',
    buildDate: '2016-06-17T09:33:23.000',
    buildNumber: '0',
    codeName: 'Tapedeck',
    hash: version,
    releaseNumber: RELEASE,
  }
}
