/** What the host of the AXI interface drives in one cycle, by port. Ports that a design has not are 0. */
export interface AxiInputs {
  aresetn: number
  s_axis_tvalid: number
  s_axis_tdata: number
  s_axis_tlast: number
  m_axis_tready: number
  s_axis_weights_tvalid: number
  s_axis_weights_tdata: number
  s_axis_weights_tlast: number
  s_axi_ctrl_awvalid: number
  s_axi_ctrl_awaddr: number
  s_axi_ctrl_wvalid: number
  s_axi_ctrl_wdata: number
  s_axi_ctrl_wstrb: number
  s_axi_ctrl_bready: number
  s_axi_ctrl_arvalid: number
  s_axi_ctrl_araddr: number
  s_axi_ctrl_rready: number
}

/** What it sees. A payload is 0 where its VALID is 0. */
export interface AxiOutputs {
  s_axis_tready: number
  m_axis_tvalid: number
  m_axis_tdata: number
  m_axis_tlast: number
  s_axis_weights_tready: number
  s_axi_ctrl_awready: number
  s_axi_ctrl_wready: number
  s_axi_ctrl_bvalid: number
  s_axi_ctrl_bresp: number
  s_axi_ctrl_arready: number
  s_axi_ctrl_rvalid: number
  s_axi_ctrl_rdata: number
  s_axi_ctrl_rresp: number
  irq: number
}

/** Anything that runs the AXI interface cycle by cycle. */
export interface AxiDevice {
  /** The outputs of the current cycle; they depend on registers only. The object may be reused by the next call. */
  outputs(): Readonly<AxiOutputs>
  /** The values of `axiProbesOf(plan)` in the current cycle, in that order. */
  probes(into: Uint32Array): void
  /** One rising clock edge, with the inputs of the current cycle. */
  clock(inputs: Readonly<AxiInputs>): void
}
