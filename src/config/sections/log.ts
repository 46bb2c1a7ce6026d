import { Key } from '../key.ts'
import { choice } from '../values/choice.ts'

/** What is logged, and how. */
export const LOG_KEYS = {
  level: new Key(choice(['debug', 'info', 'warn', 'error']), {
    default: 'info',
    about: 'The least severe events that are logged.',
    flag: '--log-level <level>',
  }),
  format: new Key(choice(['auto', 'json', 'text']), {
    default: 'auto',
    about: 'json: one object a line. text: for people. auto: text on a terminal, else json.',
  }),
}
