import type { FacadeDeclaration } from '#config/facade.ts'
import { AGORA } from './agora/declaration.ts'
import { EVOSTREAM } from './evostream/declaration.ts'
import { FLASHPHONER } from './flashphoner/declaration.ts'
import { OPENVIDU } from './openvidu/declaration.ts'
import { WOWZA } from './wowza/declaration.ts'

/** What the configuration knows of every facade there is, in the order of the sample. */
export const FACADES: readonly FacadeDeclaration[] = [WOWZA, EVOSTREAM, FLASHPHONER, AGORA, OPENVIDU]
