import { createRequire } from 'node:module'

type MlKem = typeof import('@noble/post-quantum/ml-kem.js').ml_kem768

const load = createRequire(import.meta.url)
let loaded: MlKem | undefined

/** ML-KEM-768, FIPS 203. It takes long to load, and is not needed before the first handshake: a core does not wait. */
export function mlKem768(): MlKem {
  loaded ??= (load('@noble/post-quantum/ml-kem.js') as { readonly ml_kem768: MlKem }).ml_kem768
  return loaded
}
