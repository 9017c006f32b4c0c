import { systemClock } from "../../lib/clock.ts";
import { seededRandom } from "../../lib/random.ts";
import { VirtualNetwork } from "../../lib/testing/virtual_network.ts";
import { transportContract } from "./transport_contract.ts";

transportContract("virtual", () => {
  const network = new VirtualNetwork(systemClock, seededRandom(1));
  network.name("localhost", ["127.0.0.1"]);
  network.name("nobody.invalid", []);
  return network.transport(network.host("127.0.0.1"));
});
