import { systemClock } from "../../lib/clock.ts";
import { memory, MemoryNetwork } from "../../transports/memory.ts";
import { transportContract } from "./transport_contract.ts";

transportContract("memory", () => {
  const network = new MemoryNetwork(systemClock);
  network.name("localhost", ["127.0.0.1"]);
  network.name("nobody.invalid", []);
  return memory(network);
});
