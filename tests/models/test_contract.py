"""Models of somebody else's on the package's bases keep every promise of `contract`."""

import contract
import systems

TestVAE = contract.holds(systems.make_vae, systems.image_data)
TestConditional = contract.holds(systems.make_conditional, systems.labelled_data)
TestTranslator = contract.holds(systems.make_translator, systems.paired_data, generates=False)
TestBiGAN = contract.holds(systems.make_bigan, systems.image_data)
TestTwoDomains = contract.holds(systems.make_two_domains, systems.unpaired_data, generates=False)
TestGAN = contract.holds(systems.make_gan, systems.image_data)
TestGANOfParts = contract.holds(systems.make_gan_of_parts, systems.image_data)
TestRelativisticGAN = contract.holds(systems.make_relativistic_gan, systems.image_data)
