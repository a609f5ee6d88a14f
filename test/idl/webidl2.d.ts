/** Of the parser `webidl2`, what the walk uses; the package has no types of its own. */
declare module 'webidl2' {
  export interface IdlType {
    readonly idlType: string | readonly IdlType[]
    readonly generic: string
    readonly nullable: boolean
    readonly union: boolean
  }

  export interface Argument {
    readonly name: string
    readonly optional: boolean
    readonly variadic: boolean
    readonly idlType: IdlType
    readonly extAttrs: readonly { readonly name: string }[]
  }

  export interface Member {
    readonly type: 'attribute' | 'operation' | 'constructor' | 'const' | 'maplike' | 'setlike' | 'iterable' | 'field'
    readonly name: string
    readonly idlType: IdlType
    readonly arguments: readonly Argument[]
    readonly readonly: boolean
    readonly special: string
    readonly required: boolean
    readonly extAttrs: readonly { readonly name: string }[]
  }

  export interface Definition {
    readonly type: 'interface' | 'interface mixin' | 'dictionary' | 'enum' | 'typedef' | 'includes' | 'callback'
    readonly name: string
    readonly partial: boolean
    readonly inheritance: string | null
    readonly members: readonly Member[]
    readonly values: readonly { readonly value: string }[]
    readonly idlType: IdlType
    readonly target: string
    readonly includes: string
  }

  export function parse(text: string): Definition[]
}
