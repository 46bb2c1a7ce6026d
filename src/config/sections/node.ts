import { Key } from '../key.ts'
import { text } from '../values/text.ts'

/** What this node is called and where it keeps its own things. */
export const NODE_KEYS = {
  data: new Key(text('a folder', { minLength: 1 }), {
    default: './data',
    about: 'Folder for the catalog, manifests, certificates and posters.',
    flag: '--data <folder>',
  }),
  node: new Key(
    text("a name of letters, digits and '-', or '' for a lasting random one", { pattern: /^[a-z0-9-]*$/i }),
    {
      default: '',
      about: "Name of this node in the catalog. Empty: 'node-' and a random suffix that is kept in <data>/node-id.",
    },
  ),
}
