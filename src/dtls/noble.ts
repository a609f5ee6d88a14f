/** The provider for simulation, in an entry of its own: loading its curves takes longer than everything else together. */
export { nobleCryptoProvider } from './crypto/noble-provider.ts'
