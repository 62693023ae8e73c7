import { XgenError } from '../base/errors.ts'

/** Reserved in Verilog-2001, and in SystemVerilog, which many tools read the same files as. */
const keywords = new Set(
  `always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
  design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
  endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
  input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
  noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
  pulsestyle_onevent pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
  scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
  tranif1 tri tri0 tri1 triand trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor
  accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle
  checker class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker
  endclass endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect
  export extends extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies
  import inside int interconnect interface intersect join_any join_none let local logic longint matches modport
  nettype new nexttime null package packed priority program property protected pure rand randc randcase randsequence
  ref reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal
  soft solve static string strong struct super sync_accept_on sync_reject_on tagged this throughout timeprecision
  timeunit type typedef union unique unique0 until until_with untyped uwire var virtual void wait_order weak wildcard
  with within`.split(/\s+/),
)

/** The clock and the reset, connected by the builder everywhere, and what they are called where a module does not say otherwise. */
export const defaultClock = 'clk'
export const defaultReset = 'rst_n'

const legal = (name: string) => /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !keywords.has(name)

/** Throws unless `name` can stand in Verilog as it is. */
export function checkName(name: string, what: string, module: string): void {
  if (legal(name)) return
  const reason = keywords.has(name)
    ? 'is a reserved word of Verilog'
    : 'is no Verilog name (a letter, then letters, digits and _)'
  throw new XgenError('internal', `module ${module}: the ${what} name "${name}" ${reason}`)
}

/** The names of one module: each is given once. */
export class NameSpace {
  readonly #module: string
  readonly #owners = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  constructor(module: string, implicit: readonly string[]) {
    this.#module = module
    for (const name of implicit) this.claim(name, 'implicit port')
  }

  /** Reserves exactly this name for `what`, such as "register"; a second owner is an error that names both. */
  claim(name: string, what: string): void {
    checkName(name, what, this.#module)
    const owner = this.#owners.get(name)
    if (owner !== undefined) {
      throw new XgenError(
        'internal',
        `module ${this.#module}: the ${what} "${name}" has the name of the ${owner} "${name}"`,
      )
    }
    this.#owners.set(name, what)
  }

  /** A free name like `wanted`: itself, or with a number behind it. */
  fresh(wanted: string): string {
    const base = legal(wanted) ? wanted : `n_${wanted.replace(/[^A-Za-z0-9_]/g, '_')}`
    let name = base
    for (let count = this.#counts.get(base) ?? 1; this.#owners.has(name); count++) {
      name = `${base}_${count}`
      this.#counts.set(base, count + 1)
    }
    this.#owners.set(name, 'signal')
    return name
  }
}
